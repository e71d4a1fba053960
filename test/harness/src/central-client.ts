/** A run of the timeline as the API shows it. */
export interface TimelineRun {
  readonly from: string;
  readonly to: string;
  readonly state: string;
  readonly reason?: string;
  readonly source?: string;
}

/** Speaks to central's API as an integrator would. */
export class CentralClient {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this.fetch(path, init);
    if (!response.ok)
      throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = {
      authorization: `Bearer ${this.#token}`,
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    return fetch(new URL(path, this.#url), {
      ...init,
      headers: { ...headers, ...(init.headers as Record<string, string> | undefined) },
    });
  }

  /** Resolves once a vehicle is connected and its lenses are known. */
  async connected(vehicle: string): Promise<void> {
    await eventually(`${vehicle} connecting`, async () => {
      const { items } = await this.json<{
        items: { vehicle: string; connected: boolean; lenses: unknown[] }[];
      }>('/api/v1/vehicles');
      return items.find((one) => one.vehicle === vehicle && one.connected && one.lenses.length > 0);
    });
  }

  /** The timeline of `vehicle/lens`. */
  async timeline(
    lens: string,
    window: { from: string | number; to?: string | number },
  ): Promise<TimelineRun[]> {
    const query = new URLSearchParams({
      from: String(window.from),
      ...(window.to === undefined ? {} : { to: String(window.to) }),
    });
    return (await this.json<{ runs: TimelineRun[] }>(`/api/v1/lenses/${lens}/timeline?${query.toString()}`))
      .runs;
  }

  /** Gaps of `vehicle/lens`. */
  async gaps(
    lens: string,
    window: { from: string | number; to?: string | number },
  ): Promise<(TimelineRun & { durationMs: number })[]> {
    const query = new URLSearchParams({
      from: String(window.from),
      ...(window.to === undefined ? {} : { to: String(window.to) }),
    });
    return (
      await this.json<{ items: (TimelineRun & { durationMs: number })[] }>(
        `/api/v1/lenses/${lens}/gaps?${query.toString()}`,
      )
    ).items;
  }
}

/** Asks again and again until `find` gives something, for as long as `patienceMs`. */
export async function eventually<T>(
  what: string,
  find: () => Promise<T | undefined>,
  patienceMs = 30_000,
): Promise<T> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (performance.now() > untilMs) throw new Error(`${what} did not happen within ${patienceMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
