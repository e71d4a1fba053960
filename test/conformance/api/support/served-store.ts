import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConfig } from '@gapless/shared/config';
import type { Range } from '@gapless/shared/interval';
import { noSteps } from '@gapless/shared/lifecycle';
import { MINUTE_MS } from '@gapless/shared/time';
import type { MadeSegment } from '../../../../fixtures/media/index.js';
import { cutSegments, recorded } from '../../../../fixtures/media/index.js';
import { makeToken } from '../../../../packages/central/src/auth/index.js';
import { Central } from '../../../../packages/central/src/central.js';
import { centralConfigSchema } from '../../../../packages/central/src/config.js';
import type { Role, StoredObject } from '../../../../packages/central/src/store/index.js';
import { CentralKit } from '../../../support/central-kit.js';
import type { SignedSegment } from '../../../support/signed-segments.js';
import { signSegment } from '../../../support/signed-segments.js';

/** The present, an hour after the footage. */
export const NOW_MS = Date.UTC(2026, 7, 22, 17);
/** When the vehicle expects to lose footage of the lens front. */
export const OVERWRITE_MS = Date.UTC(2026, 7, 23, 9);
const FIRST_RUN = { startMs: Date.UTC(2026, 7, 22, 16), run: '20260822T160000000Z-3fa9c1' };
const SECOND_RUN = { startMs: FIRST_RUN.startMs + 5 * MINUTE_MS, run: '20260822T160500000Z-77e0b2' };

/** Of the first run, the segment that the vehicle holds and central does not. */
const MISSING_SEQ = 2;

/**
 * A whole central over a store with real footage, and nobody connected: `bus-042/front` has a run with one segment missing
 * in its middle, five minutes without a signal, and a second run; `bus-042/rear` has nothing.
 */
export class ServedStore implements AsyncDisposable {
  readonly url: string;
  /** The footage of the lens, the missing segment too. */
  readonly segments: readonly SignedSegment[];
  /** What is stored of it. */
  readonly stored: readonly StoredObject[];
  /** What is missing of the first run. */
  readonly gap: Range;
  readonly dataDir: string;
  readonly #kit: CentralKit;
  readonly #central: Central;
  readonly #tokens: Readonly<Record<Role, string>>;

  private constructor(made: {
    kit: CentralKit;
    central: Central;
    tokens: Record<Role, string>;
    segments: readonly SignedSegment[];
    stored: readonly StoredObject[];
    gap: Range;
  }) {
    this.#kit = made.kit;
    this.#central = made.central;
    this.#tokens = made.tokens;
    this.segments = made.segments;
    this.stored = made.stored;
    this.gap = made.gap;
    this.dataDir = made.kit.dataDir;
    this.url = made.central.listening.http;
  }

  static async start(): Promise<ServedStore> {
    const kit = await CentralKit.create(NOW_MS);
    const recording = await recorded('h264');
    const footage = await fill(kit, [
      ...cutSegments(recording, { ...FIRST_RUN, fragmentsEach: 4 }),
      ...cutSegments(recording, { ...SECOND_RUN, fragmentsEach: 4 }).slice(0, 2),
    ]);
    const tokens = {
      administrator: '',
      operator: (await makeToken(kit, 'dispatch', 'operator')).plain,
      viewer: (await makeToken(kit, 'wall display', 'viewer')).plain,
    };
    tokens.administrator = (await makeToken(kit, 'root', 'administrator')).plain;
    await kit.close();
    const central = await Central.start({
      config: parseConfig(`{ http: { listen: "127.0.0.1:0" }, sftp: { listen: "127.0.0.1:0" } }`, {
        schema: centralConfigSchema,
        overrides: [{ path: 'dataDir', value: kit.dataDir, origin: 'test' }],
      }),
      version: '0.0.0-test',
      disk: kit.disk,
      clock: kit.clock,
      random: kit.random,
      log: kit.log,
      step: noSteps,
    });
    return new ServedStore({ kit, central, tokens, ...footage });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#central[Symbol.asyncDispose]();
    await this.#kit.remove();
  }

  /** Lets time pass. */
  advance(durationMs: number): Promise<void> {
    return this.#kit.clock.advance(durationMs);
  }

  token(role: Role): string {
    return this.#tokens[role];
  }

  /** Asks as an administrator, unless told otherwise; `path` is below the server's root. */
  fetch(path: string, init: RequestInit & { role?: Role | 'nobody' } = {}): Promise<Response> {
    const { role = 'administrator', ...rest } = init;
    const headers = new Headers(rest.headers);
    if (role !== 'nobody') headers.set('authorization', `Bearer ${this.#tokens[role]}`);
    return fetch(`${this.url}${path}`, { redirect: 'manual', ...rest, headers });
  }

  post(path: string, body: unknown, init: RequestInit & { role?: Role | 'nobody' } = {}): Promise<Response> {
    const headers = { 'content-type': 'application/json', ...(init.headers as Record<string, string>) };
    return this.fetch(path, { method: 'POST', body: JSON.stringify(body), ...init, headers });
  }

  /** A path below one lens. */
  lens(rest: string, lens = 'front'): string {
    return `/api/v1/lenses/bus-042/${lens}/${rest}`;
  }

  /** The bytes of a stored object's file. */
  file(object: StoredObject): Promise<Buffer> {
    return readFile(join(this.dataDir, 'media', object.path!));
  }
}

async function fill(
  kit: CentralKit,
  made: readonly MadeSegment[],
): Promise<{ segments: SignedSegment[]; stored: StoredObject[]; gap: Range }> {
  const vehicle = await kit.enrol();
  const lens = await kit.lens(vehicle);
  await kit.lens(vehicle, 'rear', 'off');
  const evidenceKey = kit.keys.get(vehicle.name)!.evidence;
  const segments: SignedSegment[] = [];
  for (const one of made)
    segments.push(await signSegment(one, { vehicle: vehicle.name, lens: lens.name, evidenceKey }));
  const stored: StoredObject[] = [];
  const isMissing = ({ row }: SignedSegment): boolean => row.run === FIRST_RUN.run && row.seq === MISSING_SEQ;
  for (const segment of segments) if (!isMissing(segment)) stored.push(await kit.keep(lens, segment));
  await kit.cover(
    lens,
    'held',
    segments.map(({ row }) => ({ startMs: row.startMs, endMs: row.endMs })),
  );
  const firstEndMs = Math.max(
    ...segments.filter(({ row }) => row.run === FIRST_RUN.run).map(({ row }) => row.endMs),
  );
  await kit.cover(lens, 'absent:no-signal', [{ startMs: firstEndMs, endMs: SECOND_RUN.startMs }]);
  await kit.store.write((tables) => {
    tables.lenses.expectFrom(lens.id, FIRST_RUN.startMs);
    tables.lenses.setStatus(lens.id, {
      state: 'recording',
      detail: undefined,
      open: undefined,
      asOfMs: segments.at(-1)!.row.endMs,
      overwriteMs: OVERWRITE_MS,
    });
  });
  const { startMs, endMs } = segments.find(isMissing)!.row;
  return { segments, stored, gap: { startMs, endMs } };
}
