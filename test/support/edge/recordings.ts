import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk } from '@gapless/shared/fs';
import type { LensName, RunId } from '@gapless/shared/ids';
import { parseLensName, parseVehicleId } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import { noSteps, systemRandom } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import type { PieceDescriptor, RunEndReason } from '@gapless/shared/protocol';
import type { Database } from '@gapless/shared/sqlite';
import { SimulatedClock } from '@gapless/shared/time';
import type { Finding } from '../../../packages/edge-agent/src/index/index.js';
import {
  catchUp,
  check,
  commitsOf,
  IndexReader,
  indexPath,
  IndexWriter,
  Journal,
  openIndex,
  readIndex,
  settleJournal,
  withDurablePaths,
} from '../../../packages/edge-agent/src/index/index.js';
import { Protections } from '../../../packages/edge-agent/src/protect/index.js';
import type { Recovered } from '../../../packages/edge-agent/src/record/recover.js';
import { recover } from '../../../packages/edge-agent/src/record/recover.js';
import type { RunPort } from '../../../packages/edge-agent/src/record/run-port.js';
import { RunRecording } from '../../../packages/edge-agent/src/record/run-recording.js';
import { Burial } from '../../../packages/edge-agent/src/retain/burial.js';
import { KEEP_MS } from '../../../packages/edge-agent/src/retain/forgetting-policy.js';
import { piecesOf } from '../../../fixtures/media/index.js';
import { FaultyDisk } from './faulty-disk.js';

export const vehicle = parseVehicleId('bus-042');
export const front = parseLensName('front');
export const rear = parseLensName('rear');

const keys = generateKeyPairSync('ed25519');

/** Public half of the key that the test recordings are signed with. */
export const evidenceKey = new Uint8Array(keys.publicKey.export({ type: 'spki', format: 'der' }));

export const evidence = {
  id: createHash('sha256').update(evidenceKey).digest('hex'),
  sign: (bytes: Uint8Array) => new Uint8Array(sign(null, bytes, keys.privateKey)),
};

/** A place on the disk for the state and the recordings of an agent. */
export class Place implements AsyncDisposable {
  private constructor(readonly root: string) {}

  static async make(): Promise<Place> {
    const root = await mkdtemp(join(tmpdir(), 'gapless-recordings-'));
    await mkdir(join(root, 'recordings'));
    return new Place(root);
  }

  /** A copy of everything that lies here, to be broken. */
  async copy(): Promise<Place> {
    const place = await Place.make();
    await cp(this.root, place.root, { recursive: true });
    return place;
  }

  get stateDir(): string {
    return this.root;
  }

  get storageDir(): string {
    return join(this.root, 'recordings');
  }

  get indexPath(): string {
    return indexPath(this.root);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

export interface RecordingsOptions {
  readonly clock?: SimulatedClock;
  readonly disk?: FaultyDisk;
  readonly step?: StepHook;
  readonly bootId?: string;
  /** Keeps the index in memory, with a snapshot so often. */
  readonly snapshotEvery?: number;
  /** Bytes that the recordings may take; half of that may be protected. */
  readonly roomBytes?: () => number;
}

export interface RecordOptions {
  readonly segmentDurationMs?: number;
  readonly reason?: RunEndReason;
  readonly live?: (descriptor: PieceDescriptor, bytes: Uint8Array) => void;
}

/** The parts of an agent that work on its recordings, on a real disk and a simulated clock, without a camera. */
export class Recordings implements AsyncDisposable {
  readonly clock: SimulatedClock;
  readonly disk: Disk;
  readonly database: Database;
  readonly reader: IndexReader;
  readonly index: IndexWriter;
  readonly journal: Journal;
  readonly burial: Burial;
  readonly protections: Protections;
  readonly journalErrors: unknown[] = [];
  readonly #ownDisk: FaultyDisk;
  readonly #previous = new Map<LensName, string | undefined>();
  readonly #options: RecordingsOptions;

  constructor(
    readonly place: Place,
    options: RecordingsOptions = {},
  ) {
    const { clock = new SimulatedClock(Date.UTC(2026, 7, 22, 16)), disk = new FaultyDisk() } = options;
    const { storageDir } = place;
    this.#options = options;
    this.clock = clock;
    this.#ownDisk = disk;
    this.disk = withDurablePaths(disk, storageDir);
    this.database = openIndex(place.indexPath);
    this.reader = new IndexReader(this.database);
    const onError = (error: unknown): void => void this.journalErrors.push(error);
    this.journal = new Journal({ disk: this.disk, storageDir, onError });
    const { snapshotEvery, step = noSteps } = options;
    const commits = commitsOf({
      ...{ database: this.database, clock, step, log: createLog('test', 'silent') },
      ...(snapshotEvery === undefined
        ? { mode: 'disk', snapshotEvery: 0 }
        : { mode: 'memory', snapshotEvery }),
    });
    this.index = new IndexWriter(this.database, clock, this.journal, commits);
    this.protections = new Protections({
      ...{ ...this.#segmentPort, reader: this.reader, log: createLog('test', 'silent') },
      roomBytes: () => Promise.resolve(options.roomBytes?.() ?? 1e12),
      maxRatio: () => 0.5,
    });
    this.burial = new Burial({ ...this.#segmentPort, reader: this.reader, journal: this.journal });
  }

  get #segmentPort() {
    const { index, clock, disk } = this;
    const { step = noSteps } = this.#options;
    return { disk, clock, index, storageDir: this.place.storageDir, evidence, step };
  }

  /** What an agent does before it records. */
  async begin(...lenses: readonly LensName[]): Promise<Map<LensName, Recovered>> {
    await catchUp(this);
    await this.burial.finish();
    await this.protections.begin();
    const port = { ...this.#segmentPort, reader: this.reader, log: createLog('test', 'silent') };
    const recovered = await recover({ ...port, bootId: this.#options.bootId ?? 'boot-1' }, lenses);
    for (const [lens, { previous }] of recovered) this.#previous.set(lens, previous);
    return recovered;
  }

  runPort(lens: LensName, options: RecordOptions = {}): RunPort {
    const bootId = this.#options.bootId ?? 'boot-1';
    return {
      ...this.#segmentPort,
      vehicle,
      lens,
      segmentDurationMs: options.segmentDurationMs ?? 1_000,
      random: systemRandom,
      wall: () => ({ trusted: true, bootId }),
      live: options.live ?? (() => undefined),
      previous: this.#previous.get(lens) ?? this.reader.segments.lastSha256(lens),
    };
  }

  /** Records what a camera's child process wrote, as fast as the media clock says, to its end. */
  async record(lens: LensName, bytes: Uint8Array, options: RecordOptions = {}): Promise<RunId | undefined> {
    const recording = await this.feed(lens, bytes, options);
    await recording.finish(options.reason ?? 'stopped');
    this.#previous.set(lens, recording.previous);
    return recording.run;
  }

  /** As {@link record}, but leaves the run and its open segment as they are. */
  async feed(lens: LensName, bytes: Uint8Array, options: RecordOptions = {}): Promise<RunRecording> {
    const recording = this.start(lens, bytes, options);
    await this.feedAll(recording, bytes);
    return recording;
  }

  /** A run that has got its init segment and nothing more. */
  start(lens: LensName, bytes: Uint8Array, options: RecordOptions = {}): RunRecording {
    const [init] = piecesOf(bytes);
    return new RunRecording(this.runPort(lens, options), init!.bytes);
  }

  /** Gives a run all the fragments, a second apart. */
  async feedAll(recording: RunRecording, bytes: Uint8Array): Promise<void> {
    for (const piece of piecesOf(bytes)) {
      if (piece.kind !== 'fragment') continue;
      await this.clock.advance(1_000);
      await recording.accept(piece);
    }
  }

  /** Lets SQLite refuse whatever is to be noted from here on, or take it again. */
  failIndex(isFailing: boolean): void {
    for (const [name, change] of [
      ['absence', 'INSERT ON main.absence'],
      ['run', 'INSERT ON main.run'],
      ['run_end', 'UPDATE ON main.run'],
      ['segment', 'INSERT ON main.segment'],
    ]) {
      this.database.exec(
        isFailing
          ? `CREATE TEMP TRIGGER fail_${name} BEFORE ${change}
             BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`
          : `DROP TRIGGER temp.fail_${name}`,
      );
    }
  }

  /** Stops in an orderly way. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.database.open) return;
    await this.index.noteStop(this.clock.nowMs());
    const settling = settleJournal(this);
    await passing(this.clock, settling);
    this.index[Symbol.dispose]();
    this.database.close();
  }

  /** Ends as a crash would: what waits is lost, what is on the disk stays. */
  async crash(): Promise<void> {
    await this.journal.flush();
    await turn();
    this.database.close();
    await this.#ownDisk.closeAll();
  }

  /** The present findings, as `gapless-edge check` would print them. */
  check(options: { readonly readData?: boolean; readonly isRunning?: boolean } = {}): Promise<Finding[]> {
    return checkPlace(this.place, { ...options, nowMs: this.clock.nowMs() });
  }
}

/** Checks what lies at a place. */
export async function checkPlace(
  place: Place,
  options: { readonly readData?: boolean; readonly isRunning?: boolean; readonly nowMs: number },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const database = readIndex(place.indexPath);
  try {
    await check({
      database,
      storageDir: place.storageDir,
      vehicle,
      evidenceKey,
      readData: options.readData ?? true,
      nowMs: options.nowMs,
      keepMs: KEEP_MS,
      isRunning: () => options.isRunning ?? false,
      report: (finding) => findings.push(finding),
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
  } finally {
    database.close();
  }
  return findings;
}

/** Lets time pass until `work` is done. */
export async function passing<T>(clock: SimulatedClock, work: Promise<T>): Promise<T> {
  const state = { isDone: false };
  const done = work.finally(() => (state.isDone = true));
  done.catch(() => undefined);
  while (!state.isDone) {
    await clock.advance(100);
    await turn();
  }
  return done;
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
