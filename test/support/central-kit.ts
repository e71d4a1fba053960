import type { KeyObject } from 'node:crypto';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk } from '@gapless/shared/fs';
import { nodeDisk } from '@gapless/shared/fs';
import type { Random } from '@gapless/shared/ids';
import { newRunId, parseLensName, parseRunId, parseVehicleId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { RangeSet } from '@gapless/shared/interval';
import { encodeFragmentTable } from '@gapless/shared/isobmff';
import { createLog } from '@gapless/shared/log';
import type { SegmentRow } from '@gapless/shared/protocol';
import { generateSshKey } from '@gapless/shared/ssh';
import { SimulatedClock } from '@gapless/shared/time';
import type { MergerPort } from '../../packages/central/src/merge/index.js';
import { Merger } from '../../packages/central/src/merge/index.js';
import type { CoverageLayer, Lens, StoredObject, Vehicle } from '../../packages/central/src/store/index.js';
import {
  Assemblies,
  DataLayout,
  mediaPath,
  prepareDataDir,
  Store,
  StoreView,
} from '../../packages/central/src/store/index.js';
import { proveSegment } from '../../packages/central/src/verify/index.js';
import type { Report } from '../../packages/central/src/check/index.js';
import { checkStore } from '../../packages/central/src/check/index.js';
import { ORIGIN_MS } from './drawn-timeline.js';
import { seededRandom } from './seeded-random.js';
import type { SignedSegment } from './signed-segments.js';

/** What a test vehicle proves itself with. */
export interface VehicleKeys {
  readonly link: KeyObject;
  readonly evidence: KeyObject;
}

/** Lets what waits for the next turns of the event loop happen: commits, files. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits, in real time but without sleeping, until `holds`; for what needs the disk. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 20_000; turn++) {
    if (await holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`never came: ${what}`);
}

/** Lets simulated time pass in steps, and what needs the disk happen between them. */
export async function pass(clock: SimulatedClock, durationMs: number, stepMs = 500): Promise<void> {
  for (let passed = 0; passed < durationMs; passed += stepMs) {
    await clock.advance(Math.min(stepMs, durationMs - passed));
    await turns();
  }
}

/** Central's store on a real disk and a real database, under a clock that moves when told to. */
export class CentralKit implements AsyncDisposable {
  readonly dataDir: string;
  readonly layout: DataLayout;
  readonly clock: SimulatedClock;
  readonly random: Random = seededRandom(1);
  readonly log = createLog('test', 'silent');
  readonly keys = new Map<string, VehicleKeys>();
  disk: Disk = nodeDisk;
  store: Store;
  assemblies: Assemblies;

  private constructor(dataDir: string, clock: SimulatedClock) {
    this.dataDir = dataDir;
    this.layout = new DataLayout(dataDir);
    this.clock = clock;
    this.store = Store.open(dataDir, clock);
    this.assemblies = new Assemblies(this.disk, this.layout);
  }

  static async create(nowMs = ORIGIN_MS): Promise<CentralKit> {
    const dataDir = await mkdtemp(join(tmpdir(), 'gapless-central-'));
    await prepareDataDir(new DataLayout(dataDir));
    return new CentralKit(dataDir, new SimulatedClock(nowMs));
  }

  /** As after a crash: what was not committed is gone, files stay as they are. */
  async restart(): Promise<void> {
    await this.close();
    this.store = Store.open(this.dataDir, this.clock);
    this.assemblies = new Assemblies(this.disk, this.layout);
  }

  /** Lets somebody else have the store. */
  async close(): Promise<void> {
    await this.assemblies[Symbol.asyncDispose]();
    this.store[Symbol.dispose]();
  }

  remove(): Promise<void> {
    return rm(this.dataDir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await this.remove();
  }

  async enrol(name = 'bus-042'): Promise<Vehicle> {
    const link = generateKeyPairSync('ed25519');
    const evidence = generateKeyPairSync('ed25519');
    this.keys.set(name, { link: link.privateKey, evidence: evidence.privateKey });
    const vehicle = parseVehicleId(name);
    await this.store.write((tables) => {
      tables.vehicles.enrol(
        {
          name: vehicle,
          linkKey: link.publicKey.export({ type: 'spki', format: 'der' }),
          evidenceKey: evidence.publicKey.export({ type: 'spki', format: 'der' }),
          sftpKey: Buffer.from(generateSshKey(this.random, name).publicKey.split(' ')[1]!, 'base64'),
        },
        this.clock.nowMs(),
      );
    });
    return this.store.read.vehicles.byName(name)!;
  }

  async lens(vehicle: Vehicle, name = 'front', live: 'push' | 'off' = 'push'): Promise<Lens> {
    return this.store.write((tables) => tables.lenses.ensure(vehicle.id, parseLensName(name), live));
  }

  fresh(lens: Lens): Lens {
    return this.store.read.lenses.byId(lens.id)!;
  }

  layer(lens: Lens, layer: CoverageLayer): RangeSet {
    const { coverage } = this.store.read;
    return coverage.within(lens.id, layer, { startMs: 0, endMs: Number.MAX_SAFE_INTEGER });
  }

  async cover(lens: Lens, layer: CoverageLayer, ranges: Iterable<Range>): Promise<void> {
    await this.store.write((tables) => tables.coverage.add(lens.id, layer, ranges));
  }

  merger(changes: Partial<MergerPort> = {}): Merger {
    const { store, assemblies, layout, disk, clock, log } = this;
    return new Merger({
      store,
      assemblies,
      layout,
      disk,
      clock,
      log,
      step: () => undefined,
      prove: async (assembly, object, vehicleId) => {
        const vehicle = store.read.vehicles.byId(vehicleId)!;
        const expected = {
          ...object,
          ...object.expected!,
          vehicle: vehicle.name,
          evidenceKey: vehicle.evidenceKey,
        };
        return proveSegment(await assembly.open(), await assembly.sha256(expected.sizeBytes), expected);
      },
      onVerified: () => undefined,
      onQuarantined: () => undefined,
      ...changes,
    });
  }

  /** A receiving object of a segment, as the catalogue tells it. */
  async expect(lens: Lens, row: SegmentRow): Promise<StoredObject> {
    return this.store.write((tables) => {
      const run = tables.lenses.ensureRun(lens.id, row.run);
      const id = tables.objects.ensure({ lensId: lens.id, runId: run.id, ...row });
      tables.objects.expect(id, row);
      return tables.objects.byId(id)!;
    });
  }

  /** Bytes of an object arrive. */
  async arrive(
    object: StoredObject,
    segment: SignedSegment,
    parts: Iterable<{ from: number; to: number; source?: 'live' | 'fetched' }>,
  ): Promise<void> {
    const lens = this.store.read.lenses.byId(object.lensId)!;
    for (const { from, to, source = 'live' } of parts) {
      await this.assemblies.of(lens.vehicle, object).write(segment.bytes.subarray(from, to), from);
      await this.store.write((tables) => tables.pieces.add(object.id, { source, from, to }));
    }
  }

  /** Takes a whole segment in, as if all of it had come live. */
  async keep(lens: Lens, segment: SignedSegment): Promise<StoredObject> {
    const object = await this.expect(lens, segment.row);
    await this.arrive(object, segment, segment.parts);
    await this.merger().settle(object.id);
    return this.store.read.objects.byId(object.id)!;
  }

  /**
   * A verified object without footage in its file, for tests of what is around it: quick to make, good for everything
   * but reading. Its coverage is its extent without `holes`.
   */
  async keepHollow(
    lens: Lens,
    extent: Range,
    options: {
      sizeBytes?: number;
      holes?: RangeSet;
      run?: string;
      seq?: number;
      layer?: 'live' | 'fetched';
    } = {},
  ): Promise<StoredObject> {
    const { sizeBytes = 100, seq = 0, layer = 'live' } = options;
    const run = options.run === undefined ? newRunId(extent.startMs, this.random) : parseRunId(options.run);
    const sha256 = createHash('sha256').update(`${run}/${seq}`).digest('hex');
    const object = await this.expect(lens, {
      ...extent,
      lens: lens.name,
      run,
      seq,
      sizeBytes,
      sha256,
      firstFragment: 1,
      fragments: 1,
    });
    const path = mediaPath(lens.vehicle, object, extent.startMs);
    const file = await this.disk.create(this.layout.media(path));
    await file.write(new Uint8Array(sizeBytes), 0);
    await file.close();
    const table = [
      {
        number: 1,
        offset: 10,
        sizeBytes: sizeBytes - 10,
        startTicks: 0,
        durationTicks: 1,
        startsWithSync: true,
      },
    ];
    await this.store.write((tables) => {
      const holes = (options.holes ?? RangeSet.empty).within(extent);
      tables.objects.verify(object, {
        ...extent,
        sizeBytes,
        path,
        firstFragment: 1,
        fragmentCount: 1,
        fragments: encodeFragmentTable(table),
        fetchedBytes: 0,
        holes,
        verifiedMs: this.clock.nowMs(),
      });
      tables.coverage.add(lens.id, layer, holes.complementWithin(extent));
    });
    return this.store.read.objects.byId(object.id)!;
  }

  /** What `gapless-central check` would find, with all data read if asked for. */
  async check(options: { readData?: boolean } = {}): Promise<Report> {
    const { layout, disk, clock } = this;
    this.store.flush();
    using view = new StoreView(this.dataDir);
    const checking = checkStore({
      catalogue: view,
      layout,
      inboxDir: layout.inboxDir,
      disk,
      clock,
      signal: new AbortController().signal,
      prove: options.readData
        ? async (object, path, vehicleId) => {
            const vehicle = this.store.read.vehicles.byId(vehicleId)!;
            const file = await disk.open(path);
            try {
              const bytes = new Uint8Array(await file.sizeBytes());
              await file.read(bytes, 0);
              const sha256 = createHash('sha256').update(bytes).digest('hex');
              const expected = {
                ...object,
                ...object.expected!,
                vehicle: vehicle.name,
                evidenceKey: vehicle.evidenceKey,
              };
              return await proveSegment(file, sha256, expected);
            } finally {
              await file.close();
            }
          }
        : undefined,
      onProgress: () => undefined,
    });
    const state = { done: false };
    const ended = checking.finally(() => (state.done = true));
    ended.catch(() => undefined);
    while (!state.done) await pass(clock, 1_000);
    return await ended;
  }
}
