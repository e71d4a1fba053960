import type { AppError } from '@gapless/shared/errors';
import { toAppError } from '@gapless/shared/errors';
import type { FragmentEntry, FragmentPiece } from '@gapless/shared/isobmff';
import { FragmentSplitter } from '@gapless/shared/isobmff';
import { every, fullJitter } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { LensStatus, RunEndReason } from '@gapless/shared/protocol';
import type { Clock, DurationMs, EpochMs } from '@gapless/shared/time';
import { SECOND_MS, sleep } from '@gapless/shared/time';
import type { OpenAbsence } from './absence-log.js';
import { AbsenceLog } from './absence-log.js';
import type { ProcessEnd, RecorderProcess, StartProcess } from './ffmpeg-process.js';
import type { RecordingGate } from './recording-gate.js';
import type { Complaint } from './recorder-complaint.js';
import { readComplaint } from './recorder-complaint.js';
import type { SoundTreatment } from './sound-policy.js';
import { firstTreatment } from './sound-policy.js';
import type { RecorderInput } from './recorder-input.js';
import { recorderCommand } from './recorder-input.js';
import { absenceAfter, runEndOf } from './run-end-policy.js';
import type { RunPort } from './run-port.js';
import { RunRecording } from './run-recording.js';

export interface LensRecorderOptions {
  readonly port: Omit<RunPort, 'previous'>;
  readonly input: RecorderInput;
  readonly ffmpeg: string;
  readonly start: StartProcess;
  /** A camera that gives no picture for this long is taken as gone. */
  readonly stallMs: DurationMs;
  readonly log: Log;
  /** SHA-256 of the lens's last segment. */
  readonly previous: string | undefined;
  /** Closed while there is no room for footage. */
  readonly gate: RecordingGate;
  /** Puts the lens's files in order after the disk ended a run; returns the SHA-256 to chain the next segment to. */
  readonly tidy: () => Promise<string | undefined>;
  /** What the start-up recovery found to be missing up to now. */
  readonly absence: OpenAbsence | undefined;
}

const BACKOFF = { baseMs: 500, capMs: 30 * SECOND_MS };

/** A camera may take its time to answer; only then does the first picture count. */
const CONNECT_MS = 20 * SECOND_MS;

/** A run that lasted this long shows that the camera works, so the next failure is its first again. */
const HEALTHY_RUN_MS = 30 * SECOND_MS;

const ABSENCE_ROW_MS = 30 * SECOND_MS;

/** What one child process made of the camera. */
interface Attempt {
  readonly reason: RunEndReason;
  /** One sentence for an operator; undefined after an orderly stop. */
  readonly detail: string | undefined;
  readonly lastedMs: DurationMs;
}

/** Keeps one lens recording: a child process, a run, and when either ends, the next. */
export class LensRecorder {
  /** Called when a run has ended. */
  onRunEnded: (reason: RunEndReason) => void = () => undefined;

  readonly #options: LensRecorderOptions;
  readonly #clock: Clock;
  readonly #absences: AbsenceLog;
  #recording: RunRecording | undefined;
  #previous: string | undefined;
  /** Files are left of a run that could not be ended in order. */
  #isUntidy = false;
  #sound: SoundTreatment;
  /** Since when a camera has been tried that has not shown anything yet. */
  #attemptSinceMs: EpochMs | undefined;
  #state: LensStatus['state'] = 'no-signal';
  #detail: string | undefined = 'starting';
  #stateSinceMs: EpochMs;
  #recorded = { fragments: 0, bytes: 0 };

  constructor(options: LensRecorderOptions) {
    this.#options = options;
    this.#clock = options.port.clock;
    this.#stateSinceMs = this.#clock.nowMs();
    this.#sound = firstTreatment(options.input.url);
    this.#previous = options.previous;
    this.#absences = new AbsenceLog(options.port.index, options.port.lens, options.absence);
  }

  /** What central is told of this lens. */
  get status(): Omit<LensStatus, 'live'> {
    const open = this.#recording?.open;
    return {
      lens: this.#options.port.lens,
      state: this.#state,
      // Nothing is known yet of what the newest fragment does not reach, nor of what a camera is about to show.
      asOfMs: this.#recording?.endMs ?? this.#attemptSinceMs ?? this.#clock.nowMs(),
      ...(this.#detail === undefined ? {} : { detail: this.#detail.slice(0, 500) }),
      ...(open ? { open } : {}),
    };
  }

  /** Since when the lens has been in its state. */
  get stateSinceMs(): EpochMs {
    return this.#stateSinceMs;
  }

  /** What is in no row yet. */
  get now(): Pick<LensStatus, 'asOfMs' | 'open'> & { readonly openBytes: number } {
    const { asOfMs, open } = this.status;
    return { asOfMs, openBytes: this.openBytes, ...(open ? { open } : {}) };
  }

  /** What has been recorded so far. */
  get recorded(): { readonly fragments: number; readonly bytes: number } {
    return this.#recorded;
  }

  /** The fragments of the open segment. */
  get openFragments(): readonly FragmentEntry[] {
    return this.#recording?.openFragments ?? [];
  }

  /** Bytes that are written and not yet in any row. */
  get openBytes(): number {
    return this.#recording?.openBytes ?? 0;
  }

  /** Closes the open segment at the next chance, so that what a lost link missed of it can be fetched. */
  cutSoon(): void {
    this.#recording?.cutSoon();
  }

  /** Records until the signal aborts; resolves when the last segment is closed. */
  async run(signal: AbortSignal): Promise<void> {
    const growing = every(this.#clock, ABSENCE_ROW_MS, signal, () => this.#growAbsence());
    for (let failures = 0; !signal.aborted; failures++) {
      const attempt = await this.#turn(signal);
      if (attempt.reason === 'stopped') break;
      this.#isUntidy ||= attempt.reason === 'disk';
      if (this.#isUntidy) await this.#tidy();
      if (attempt.reason === 'disk' && this.#options.gate.closedBecause !== undefined) continue;
      if (attempt.lastedMs >= HEALTHY_RUN_MS) failures = 0;
      this.#enter('no-signal', attempt.detail);
      const waitMs = fullJitter(BACKOFF, failures, this.#options.port.random);
      this.#options.log.warn(
        { reason: attempt.reason, detail: attempt.detail, waitMs },
        'recording interrupted',
      );
      await sleep(this.#clock, waitMs, signal).catch(() => undefined);
    }
    await this.#growAbsence();
    this.#enter('stopped', undefined);
    await growing;
  }

  /** The next try, once there is room for footage. An index that fails costs this try, and never the recorder. */
  async #turn(signal: AbortSignal): Promise<Attempt> {
    try {
      if (!(await this.#passGate(signal))) return { reason: 'stopped', detail: undefined, lastedMs: 0 };
      // The disk may have recovered meanwhile: what a run leaves out can only be seen as long as no other follows it.
      if (this.#isUntidy) await this.#tidy();
      return await this.#attempt(signal);
    } catch (thrown) {
      const err = toAppError(thrown);
      this.#options.log.error({ err }, 'index failed the recorder');
      return { reason: 'crashed', detail: err.message, lastedMs: 0 };
    }
  }

  #enter(state: LensStatus['state'], detail: string | undefined): void {
    if (state !== this.#state) this.#stateSinceMs = this.#clock.nowMs();
    this.#state = state;
    this.#detail = detail;
  }

  async #growAbsence(): Promise<void> {
    if (this.#state === 'recording') return;
    try {
      await this.#absences.extend(this.#clock.nowMs());
    } catch (thrown) {
      this.#options.log.error({ err: toAppError(thrown) }, 'absence could not be noted');
    }
  }

  /** Waits while there is no room for footage, and says so; false when recording is to stop. */
  async #passGate(signal: AbortSignal): Promise<boolean> {
    const { gate } = this.#options;
    const why = gate.closedBecause;
    if (why === undefined) return true;
    this.#enter('paused', why);
    await this.#absences.turnInto({ sinceMs: this.#clock.nowMs(), reason: 'unexplained', detail: why });
    await gate.whenOpen(signal);
    if (signal.aborted) return false;
    this.#enter('no-signal', 'starting');
    await this.#absences.turnInto({ sinceMs: this.#clock.nowMs(), reason: 'no-signal', detail: undefined });
    return true;
  }

  /** What the disk or the index has left undone is tried once more before each run; what fails to the end waits for the next start. */
  async #tidy(): Promise<void> {
    try {
      this.#previous = await this.#options.tidy();
      this.#isUntidy = false;
    } catch (thrown) {
      this.#options.log.error({ err: toAppError(thrown) }, 'recordings could not be put in order');
    }
  }

  /** One child process from start to end. */
  async #attempt(signal: AbortSignal): Promise<Attempt> {
    const { start, ffmpeg, input } = this.#options;
    const startedAtMs = this.#clock.monotonicMs();
    this.#attemptSinceMs = this.#clock.nowMs();
    const child = start(ffmpeg, recorderCommand(input, this.#sound), this.#clock);
    const stop = (): void => child.stop();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) child.stop();
    const pause = { isAsked: false };
    const stopWatching = this.#options.gate.onClose(() => {
      pause.isAsked = true;
      child.stop();
    });
    const watchdog = new Watchdog(this.#clock, child, {
      connectMs: CONNECT_MS,
      stallMs: this.#options.stallMs,
    });
    let failure: AppError | undefined;
    try {
      await this.#consume(child, watchdog);
    } catch (thrown) {
      failure = toAppError(thrown);
    } finally {
      watchdog[Symbol.dispose]();
      signal.removeEventListener('abort', stop);
      stopWatching();
      child.kill();
    }
    const end = await child.ended;
    const complaint = readComplaint(end.stderrTail);
    this.#sound = complaint.sound ?? this.#sound;
    const reason = failure
      ? runEndOf(failure)
      : signal.aborted
        ? 'stopped'
        : pause.isAsked
          ? 'disk'
          : watchdog.fired
            ? 'stalled'
            : 'crashed';
    await this.#endRun(reason, failure);
    if (reason !== 'stopped') await this.#absences.asked(this.#attemptSinceMs);
    this.#attemptSinceMs = undefined;
    const lastedMs = this.#clock.monotonicMs() - startedAtMs;
    const detail =
      failure?.message ?? this.#describe(reason, { ...end, ...complaint, patienceMs: watchdog.patienceMs });
    if (detail !== undefined) this.#absences.explain(detail);
    return { reason, detail, lastedMs };
  }

  async #consume(child: RecorderProcess, watchdog: Watchdog): Promise<void> {
    const splitter = new FragmentSplitter();
    for await (const chunk of child.output) {
      for (const piece of splitter.push(chunk)) {
        if (piece.kind === 'init')
          this.#recording = new RunRecording(
            { ...this.#options.port, previous: this.#previous },
            piece.bytes,
          );
        else if (await this.#record(piece)) watchdog.feed();
      }
    }
  }

  /** Returns whether the camera gave a picture. */
  async #record(piece: FragmentPiece): Promise<boolean> {
    const recording = this.#recording!;
    const begun = recording.startMs;
    const hasPicture = await recording.accept(piece);
    const { fragments, bytes } = this.#recorded;
    this.#recorded = { fragments: fragments + 1, bytes: bytes + piece.bytes.length };
    if (begun !== undefined || recording.startMs === undefined) return hasPicture;
    await this.#absences.end(recording.startMs);
    this.#enter('recording', undefined);
    this.#options.log.info({ run: recording.run, startMs: recording.startMs }, 'run begun');
    return hasPicture;
  }

  async #endRun(reason: RunEndReason, failure: AppError | undefined): Promise<void> {
    const recording = this.#recording;
    this.#recording = undefined;
    if (!recording) return;
    try {
      if (failure && reason === 'disk') await recording.abandon();
      else await recording.finish(reason);
    } catch (thrown) {
      // The disk failed while the run was being ended: the segment goes, the run's row is not to stay open.
      this.#options.log.error({ err: toAppError(thrown), after: failure }, 'segment could not be closed');
      this.#isUntidy = true;
      await this.#abandon(recording);
    } finally {
      this.#previous = recording.previous;
    }
    if (recording.run === undefined) return;
    this.#options.log.info({ run: recording.run, endMs: recording.endMs, reason }, 'run ended');
    this.onRunEnded(reason);
    this.#absences.begin({ sinceMs: recording.endMs!, reason: absenceAfter(reason), detail: undefined });
  }

  /** Where not even that can be noted, the tidying in front of the next run ends this one. */
  async #abandon(recording: RunRecording): Promise<void> {
    try {
      await recording.abandon();
    } catch (thrown) {
      this.#options.log.error({ err: toAppError(thrown), run: recording.run }, 'run could not be ended');
    }
  }

  #describe(
    reason: RunEndReason,
    facts: Pick<ProcessEnd, 'spawnError'> & Pick<Complaint, 'detail'> & Pick<Watchdog, 'patienceMs'>,
  ): string | undefined {
    if (reason === 'stopped') return undefined;
    if (reason === 'disk') return this.#options.gate.closedBecause;
    if (facts.spawnError !== undefined)
      return `ffmpeg cannot be started (${facts.spawnError}): ${this.#options.ffmpeg}`;
    if (reason === 'stalled') return `no picture for ${Math.round(facts.patienceMs / SECOND_MS)} s`;
    return facts.detail;
  }
}

/** Kills a child that stops giving pictures. */
class Watchdog implements Disposable {
  fired = false;
  /** How long it has waited, or waits, for the next picture. */
  patienceMs: DurationMs;
  readonly #clock: Clock;
  readonly #child: RecorderProcess;
  readonly #stallMs: DurationMs;
  #timer: Disposable;

  constructor(clock: Clock, child: RecorderProcess, limits: { connectMs: DurationMs; stallMs: DurationMs }) {
    this.#clock = clock;
    this.#child = child;
    this.#stallMs = limits.stallMs;
    this.patienceMs = Math.max(limits.connectMs, limits.stallMs);
    this.#timer = clock.schedule(this.patienceMs, () => this.#fire());
  }

  feed(): void {
    this.#timer[Symbol.dispose]();
    this.patienceMs = this.#stallMs;
    this.#timer = this.#clock.schedule(this.patienceMs, () => this.#fire());
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }

  #fire(): void {
    this.fired = true;
    this.#child.kill();
  }
}
