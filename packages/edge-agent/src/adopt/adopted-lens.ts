import { join } from 'node:path';
import { isCancelled, toAppError } from '@gapless/shared/errors';
import type { SegmentRef } from '@gapless/shared/ids';
import { Flood } from '@gapless/shared/log';
import type { Log } from '@gapless/shared/log';
import type { LensStatus } from '@gapless/shared/protocol';
import type { Clock, DurationMs, EpochMs } from '@gapless/shared/time';
import { MINUTE_MS, SECOND_MS, sleep } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import type { AdoptedFileRecord } from '../index/rows.js';
import type { AdoptionPort, AdoptionState, FoundFile } from './adoption.js';
import { adoptFile } from './adopt-file.js';
import type { WatchDirectory } from './directory-watch.js';
import type { Seen } from './growth-policy.js';
import { isSettled, SETTLE_MS } from './growth-policy.js';
import { NamePattern } from './name-pattern-policy.js';
import type { SourceDirectory } from './source-directories.js';
import { look, lookAtRoot, walk, wayTo } from './source-directories.js';

/** Which files are adopted. */
export interface AdoptSettings {
  /** Absolute. */
  readonly dir: string;
  /** Undefined: every video file in it is of this lens, and its name says nothing of its time. */
  readonly pattern: string | undefined;
  /** Undefined: the zone of this machine. */
  readonly timeZone: string | undefined;
}

export interface AdoptedLensOptions {
  readonly port: AdoptionPort & { readonly clock: Clock; readonly reader: IndexReader };
  readonly settings: AdoptSettings;
  readonly watch: WatchDirectory;
  /** Gives up segments whose media have gone. */
  readonly bury: (segments: readonly SegmentRef[]) => Promise<void>;
  readonly log: Log;
}

/** How often the directory is looked through even if nothing was heard of it. */
const LOOK_MS = 30 * SECOND_MS;
/** How often every file in it is looked at, be its directory unchanged or not. */
const FULL_LOOK_MS = 10 * MINUTE_MS;
/** After a notification, others follow at once. */
const GATHER_MS = 300;
/** A directory that was changed this recently may change again without its time of change showing it. */
const FRESH_MS = 2 * SECOND_MS;
/** Directories that are watched: those that were changed last. */
const MAX_WATCHED = 64;

/** A lens that another program records: keeps the index in step with that program's directory. */
export class AdoptedLens {
  readonly #options: AdoptedLensOptions;
  readonly #pattern: NamePattern | undefined;
  readonly #flood: Flood;
  readonly #growing = new Map<string, Seen>();
  /** Directories in which there is nothing to be done until they change, with their times of change. */
  readonly #quiet = new Map<string, EpochMs>();
  readonly #watches = new Map<string, Disposable>();
  #adoption: AdoptionState;
  #wake: (() => void) | undefined;
  #isKicked = false;
  #fullLookAtMs = 0;
  /** The file system on which recordings were seen. */
  #device: number | undefined;
  #state: LensStatus['state'] = 'no-signal';
  #detail: string | undefined = 'starting';
  #stateSinceMs: EpochMs;
  #asOfMs: EpochMs;

  constructor(options: AdoptedLensOptions) {
    const { settings, port } = options;
    this.#options = options;
    const timeZone = settings.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.#pattern = settings.pattern === undefined ? undefined : new NamePattern(settings.pattern, timeZone);
    this.#flood = new Flood(port.clock, MINUTE_MS);
    this.#stateSinceMs = port.clock.nowMs();
    this.#asOfMs = this.#lastEndMs() ?? port.clock.nowMs();
    this.#adoption = { run: undefined, previous: port.reader.segments.lastSha256(port.lens) };
  }

  /** What central is told of this lens. */
  get status(): Omit<LensStatus, 'live'> {
    return {
      lens: this.#options.port.lens,
      state: this.#state,
      asOfMs: this.#asOfMs,
      ...(this.#detail === undefined ? {} : { detail: this.#detail.slice(0, 500) }),
    };
  }

  /** Since when the lens has been in its state. */
  get stateSinceMs(): EpochMs {
    return this.#stateSinceMs;
  }

  /** What is in no row yet. */
  get now(): Pick<LensStatus, 'asOfMs' | 'open'> & { readonly openBytes: number } {
    return { asOfMs: this.#asOfMs, openBytes: 0 };
  }

  /** Nothing is written of this lens but wrappers. */
  readonly openBytes = 0;

  /** Nothing is recorded here. */
  readonly recorded = { fragments: 0, bytes: 0 };

  /** Its segments end where the other recorder ends them. */
  cutSoon(): void {
    this.#kick();
  }

  /** Keeps adopting until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        await this.#lookOrSay(signal);
        await this.#rest(signal);
      }
    } finally {
      for (const watch of this.#watches.values()) watch[Symbol.dispose]();
    }
  }

  async #lookOrSay(signal: AbortSignal): Promise<void> {
    const { log, settings } = this.#options;
    try {
      await this.look(signal);
    } catch (thrown) {
      const err = toAppError(thrown);
      if (signal.aborted || isCancelled(err)) return;
      this.#become('no-signal', `${settings.dir} cannot be read: ${err.message}`);
      this.#flood.report(err.code, (silent) => log.error({ err, silent }, 'directory could not be adopted'));
    }
  }

  /**
   * Goes through all directories once; what changed is adopted, and what has gone is given up.
   *
   * @throws STORAGE_WRITE_FAILED, the code of every failure of the disk, when the directory cannot be read
   */
  async look(signal: AbortSignal): Promise<void> {
    const { settings, port } = this.#options;
    const { clock, reader, lens } = port;
    const beganMs = clock.nowMs();
    const isFull = clock.monotonicMs() >= this.#fullLookAtMs;
    if (isFull) this.#fullLookAtMs = clock.monotonicMs() + FULL_LOOK_MS;
    const former = new Set(reader.adoption.directories(lens));
    if (await this.#isUnmounted(former.size > 0)) {
      this.#become(
        'no-signal',
        `${settings.dir} is empty, although there were recordings in it: is it mounted?`,
      );
      return;
    }
    this.#become('recording', undefined);
    const recent: SourceDirectory[] = [];
    for await (const found of walk(settings.dir)) {
      signal.throwIfAborted();
      former.delete(found.directory);
      recent.push({ ...found, names: [] });
      recent.sort((a, b) => b.modifiedMs - a.modifiedMs).splice(MAX_WATCHED);
      await this.#reconcile(found, { isFull, signal });
    }
    this.#watch(recent.map(({ directory }) => directory));
    for (const directory of former) await this.#giveUp(reader.adoption.ofDirectory(lens, directory));
    this.#asOfMs = this.#growing.size === 0 ? beganMs : (this.#lastEndMs() ?? this.#asOfMs);
  }

  /** Whether the directory is empty because its disk is not there, and not because everything in it was deleted. */
  async #isUnmounted(hadRecordings: boolean): Promise<boolean> {
    const { isBare, device } = await lookAtRoot(this.#options.settings.dir);
    if (!isBare) this.#device = device;
    return isBare && hadRecordings && this.#device !== device;
  }

  async #reconcile(
    { directory, modifiedMs, names }: SourceDirectory,
    { isFull, signal }: { readonly isFull: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const { port, settings } = this.#options;
    if (!isFull && this.#quiet.get(directory) === modifiedMs) return;
    this.#quiet.delete(directory);
    const rows = new Map(
      port.reader.adoption.ofDirectory(port.lens, directory).map((row) => [row.name, row]),
    );
    let waits = false;
    for (const name of names) {
      signal.throwIfAborted();
      const named = this.#pattern?.match(wayTo(settings.dir, directory, name));
      if (this.#pattern && !named) continue;
      const row = rows.get(name);
      const file = await look(join(directory, name));
      if (!file) continue;
      rows.delete(name);
      if (row?.sizeBytes === file.sizeBytes && row.modifiedMs === file.modifiedMs) continue;
      const isDone =
        this.#isFinished(file) && (await this.#adopt({ ...file, directory, name, named }, row, signal));
      waits ||= !isDone;
    }
    await this.#giveUp([...rows.values()]);
    if (!waits && port.clock.nowMs() - modifiedMs > FRESH_MS) this.#quiet.set(directory, modifiedMs);
  }

  #isFinished({
    path,
    sizeBytes,
    modifiedMs,
  }: Pick<FoundFile, 'path' | 'sizeBytes' | 'modifiedMs'>): boolean {
    const { clock } = this.#options.port;
    const monotonicMs = clock.monotonicMs();
    let seen = this.#growing.get(path);
    if (seen?.sizeBytes !== sizeBytes || seen.modifiedMs !== modifiedMs)
      seen = { sizeBytes, modifiedMs, sinceMs: monotonicMs };
    const isFinished = isSettled(seen, { wallMs: clock.nowMs(), monotonicMs });
    if (isFinished) this.#growing.delete(path);
    else this.#growing.set(path, seen);
    return isFinished;
  }

  /** Returns whether there is an outcome; without one the file is tried again. */
  async #adopt(found: FoundFile, row: AdoptedFileRecord | undefined, signal: AbortSignal): Promise<boolean> {
    const { log, port } = this.#options;
    // It was changed since: what was made of it is not there any more.
    if (row) await this.#giveUp([row]);
    try {
      const { file, segments, state, left } = await adoptFile(port, found, this.#adoption, signal);
      this.#adoption = state;
      if (left) log.warn({ err: left, path: found.path }, 'wrappers are moved at the next start');
      const facts = { path: found.path, state: file.state, segments: segments.length, ...file.facts };
      if (file.state === 'adopted') log.info(facts, 'recording adopted');
      else log.warn({ ...facts, why: file.detail }, 'recording not adopted, or not all of it');
      return true;
    } catch (thrown) {
      signal.throwIfAborted();
      const err = toAppError(thrown);
      // Mostly the recorder went on with it, or deleted it. One file must not keep anyone from the rest.
      const report = (silent: number): void =>
        log.warn({ err, path: found.path, silent }, 'recording could not be adopted');
      this.#flood.report(`${err.code} of a file`, report);
      return false;
    }
  }

  /** Files have gone, and so have the segments that were made of them. */
  async #giveUp(rows: readonly AdoptedFileRecord[]): Promise<void> {
    const { bury, log, port } = this.#options;
    for (const row of rows) {
      const segments = port.reader.adoption.segmentsOf(row.id);
      if (segments.length > 0) await bury(segments);
      await port.index.adoption.forget(row);
      log.info({ path: join(row.directory, row.name), segments: segments.length }, 'recording has gone');
    }
  }

  #become(state: LensStatus['state'], detail: string | undefined): void {
    if (state !== this.#state) this.#stateSinceMs = this.#options.port.clock.nowMs();
    if (detail !== undefined && detail !== this.#detail)
      this.#options.log.warn({ detail }, 'nothing can be adopted');
    this.#state = state;
    this.#detail = detail;
  }

  /** Where the newest footage ends. */
  #lastEndMs(): EpochMs | undefined {
    const { reader, lens } = this.#options.port;
    const run = reader.runs.last(lens);
    return run && reader.runs.lastEndMs(lens, run.run);
  }

  #watch(directories: readonly string[]): void {
    const wanted = new Set(directories);
    for (const [directory, watch] of this.#watches) {
      if (wanted.has(directory)) continue;
      watch[Symbol.dispose]();
      this.#watches.delete(directory);
    }
    for (const directory of wanted)
      if (!this.#watches.has(directory))
        this.#watches.set(
          directory,
          this.#options.watch(directory, () => this.#kick()),
        );
  }

  #kick(): void {
    this.#isKicked = true;
    this.#wake?.();
  }

  /** Rests until something changes, a growing file may be finished, or it is time to look anyway. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.port;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const restMs: DurationMs = this.#growing.size > 0 ? SETTLE_MS / 5 : LOOK_MS;
    if (!this.#isKicked)
      await sleep(clock, restMs, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
    this.#wake = undefined;
    if (this.#isKicked) await sleep(clock, GATHER_MS, signal).catch(() => undefined);
    this.#isKicked = false;
  }
}
