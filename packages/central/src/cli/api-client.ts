import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError, errnoOf } from '@gapless/shared/errors';
import { readSecret } from '@gapless/shared/fs';
import { errorOfProblem } from '@gapless/shared/http';
import type { CliContext, PlaceOptions } from './context.js';
import { configOf } from './context.js';

/** How long a command waits for an answer. */
const TIMEOUT_MS = 30_000;

/** Speaks to a running central over its API, as any other program would. */
export class ApiClient {
  readonly #url: string;
  readonly #token: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /**
   * Finds central: `GAPLESS_URL` and `GAPLESS_TOKEN`, or the one that runs on this machine with this data directory.
   *
   * @throws CENTRAL_NOT_RUNNING, TOKEN_MISSING
   */
  static async find(context: CliContext, options: PlaceOptions): Promise<ApiClient> {
    const { GAPLESS_URL: url, GAPLESS_TOKEN: token } = context.env;
    if (url !== undefined && token !== undefined) return new ApiClient(url, token);
    const dataDir = resolve((await configOf(context, options)).dataDir);
    const own = await readSecret(join(dataDir, 'admin-token'));
    const found = token ?? own?.trim();
    if (found === undefined) {
      throw new AppError('TOKEN_MISSING', `there is no admin-token in ${dataDir}`, {
        hint: 'Name the data directory of central with --data, or set GAPLESS_URL and GAPLESS_TOKEN.',
      });
    }
    return new ApiClient(url ?? (await listeningAt(dataDir)), found);
  }

  get<T>(path: string, query: Record<string, string | undefined> = {}): Promise<T> {
    return this.#send<T>('GET', path, query, undefined);
  }

  post<T>(path: string, body?: object): Promise<T> {
    return this.#send<T>('POST', path, {}, body);
  }

  async #send<T>(
    method: string,
    path: string,
    query: Record<string, string | undefined>,
    body: object | undefined,
  ): Promise<T> {
    const url = new URL(path, this.#url);
    for (const [key, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(key, value);
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (thrown) {
      throw new AppError('CENTRAL_NOT_RUNNING', `central does not answer at ${this.#url}`, {
        cause: thrown,
        hint: 'Start it: gapless-central run.',
      });
    }
    const answer = await response.json();
    if (!response.ok) throw errorOfProblem(answer, response.status);
    return answer as T;
  }
}

async function listeningAt(dataDir: string): Promise<string> {
  try {
    const { http } = JSON.parse(await readFile(join(dataDir, 'listening.json'), 'utf8')) as { http: string };
    return http;
  } catch (thrown) {
    throw new AppError('CENTRAL_NOT_RUNNING', `no central has run with the data directory ${dataDir}`, {
      ...(errnoOf(thrown) === 'ENOENT' ? {} : { cause: thrown }),
      hint: 'Start it: gapless-central run --data DIR.',
    });
  }
}
