import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CentralClient, eventually } from '@gapless/harness/central-client';
import type { CentralPlace, VehiclePlace } from '@gapless/harness/fleet';
import { configureVehicle, enrol, startCentral, startVehicle } from '@gapless/harness/fleet';
import type { EmulatedLinkOptions } from './emulated-link.js';
import { EmulatedLink } from './emulated-link.js';
import { FFMPEG, makeClip } from './footage.js';

const VEHICLE = 'bus-042';

/** Central, and a vehicle that streams to it over an emulated link: both daemons as they are, processes of their own. */
export class MobileScene implements AsyncDisposable {
  readonly dir: string;
  readonly link: EmulatedLink;
  readonly central: CentralPlace;
  readonly vehicle: VehiclePlace;
  readonly client: CentralClient;
  readonly lenses: readonly string[];
  readonly startedMs = Date.now();

  private constructor(
    parts: Pick<MobileScene, 'dir' | 'link' | 'central' | 'vehicle' | 'client' | 'lenses'>,
  ) {
    ({
      dir: this.dir,
      link: this.link,
      central: this.central,
      vehicle: this.vehicle,
      client: this.client,
      lenses: this.lenses,
    } = parts);
  }

  static async start(
    linkOptions: EmulatedLinkOptions,
    footage: { readonly lenses: number; readonly megabitsPerSec: number },
  ): Promise<MobileScene> {
    const dir = await mkdtemp(join(tmpdir(), 'gapless-bench-'));
    const clip = join(dir, 'clip.mp4');
    makeClip(clip, footage.megabitsPerSec);
    const link = await EmulatedLink.start(linkOptions);
    const central = await startCentral({ dir, host: link.centralAddress });
    const client = new CentralClient(central.url, central.token);
    const names = Array.from({ length: footage.lenses }, (_, index) => `lens-${index + 1}`);
    const centralUrl = central.url.replace('http', 'ws');
    const place = await configureVehicle({
      dir,
      name: VEHICLE,
      ffmpeg: FFMPEG,
      centralUrl,
      lenses: Object.fromEntries(names.map((name) => [name, { input: `file:${clip}?loop` }])),
    });
    const prefix = link.onVehicle;
    await enrol(central, { name: VEHICLE, configPath: place.configPath, centralUrl, prefix });
    const vehicle = await startVehicle(place, { prefix });
    await client.connected(VEHICLE);
    return new MobileScene({
      dir,
      link,
      central,
      vehicle,
      client,
      lenses: names.map((name) => `${VEHICLE}/${name}`),
    });
  }

  get httpPort(): number {
    return Number(new URL(this.central.url).port);
  }

  /** Resolves once everything up to `toMs` is proven at central; returns when that was seen, in epoch milliseconds. */
  async verified(toMs: number, patienceMs: number): Promise<number> {
    return eventually(
      `everything up to ${new Date(toMs).toISOString()} being verified`,
      async () => {
        const open = await this.#openStates(toMs);
        return open.length === 0 ? Date.now() : undefined;
      },
      patienceMs,
    );
  }

  /** Resolves once central has live footage of every lens. */
  async live(): Promise<void> {
    for (const lens of this.lenses)
      await eventually(`live footage of ${lens}`, async () =>
        (await this.client.timeline(lens, { from: this.startedMs })).find(({ source }) => source === 'live'),
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vehicle.daemon[Symbol.asyncDispose]();
    await this.central.daemon[Symbol.asyncDispose]();
    await this.link[Symbol.asyncDispose]();
    await rm(this.dir, { recursive: true });
  }

  async #openStates(toMs: number): Promise<string[]> {
    const runs = await Promise.all(
      this.lenses.map((lens) => this.client.timeline(lens, { from: this.startedMs - 60_000, to: toMs })),
    );
    return runs.flat().flatMap(({ state }) => (['verified', 'not-expected'].includes(state) ? [] : [state]));
  }
}
