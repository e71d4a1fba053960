import type { LensName, Random, VehicleId } from '@gapless/shared/ids';
import type { PieceDescriptor, RunEndReason } from '@gapless/shared/protocol';
import type { DurationMs } from '@gapless/shared/time';
import type { StartProcess } from './ffmpeg-process.js';
import { LensRecorder } from './lens-recorder.js';
import type { Recovered } from './recover.js';
import { recoverLens, resume } from './recover.js';
import type { RecoveryPort } from './recover-file.js';
import type { RecorderInput } from './recorder-input.js';
import type { RecordingGate } from './recording-gate.js';
import type { WallClock } from './run-port.js';

/** How a lens is to be recorded. */
export interface LensSettings {
  readonly lens: LensName;
  readonly input: RecorderInput;
  readonly ffmpeg: string;
  readonly segmentDurationMs: DurationMs;
  /** A camera that gives no picture for this long is taken as gone. */
  readonly stallMs: DurationMs;
}

export interface RecordersPort extends RecoveryPort {
  readonly vehicle: VehicleId;
  readonly random: Random;
  readonly wall: () => WallClock;
  /** Hands a piece of an open segment to the live lane. */
  readonly live: (lens: LensName, descriptor: PieceDescriptor, bytes: Uint8Array) => void;
  readonly start: StartProcess;
  /** Closed while there is no room for footage of the lens. */
  readonly gate: (lens: LensName) => RecordingGate;
}

/** What became of the lenses when others were wanted; those that are not named went on recording. */
export interface Followed {
  readonly started: readonly LensName[];
  readonly ended: readonly LensName[];
  /** Those that are recorded in another way now. */
  readonly restarted: readonly LensName[];
}

interface Recorded {
  readonly settings: LensSettings;
  readonly recorder: LensRecorder;
  readonly stop: AbortController;
  ended: Promise<void>;
}

/** The lenses that are recorded, each by a recorder of its own. Lenses may come, go and change while others go on. */
export class Recorders {
  readonly #port: RecordersPort;
  readonly #recovery: RecoveryPort;
  readonly #recorded = new Map<LensName, Recorded>();
  readonly #runEnds = new Map<LensName, Map<RunEndReason, number>>();
  #signal: AbortSignal | undefined;

  constructor(port: RecordersPort) {
    this.#port = port;
    this.#recovery = { ...port, log: port.log.child({ stage: 'recover' }) };
  }

  get all(): LensRecorder[] {
    return [...this.#recorded.values()].map(({ recorder }) => recorder);
  }

  of(lens: LensName): LensRecorder | undefined {
    return this.#recorded.get(lens)?.recorder;
  }

  /** How many runs of a lens ended for each reason. */
  runEnds(lens: LensName): ReadonlyMap<RunEndReason, number> {
    return this.#endsOf(lens);
  }

  /** Makes the recorders of the lenses that are there from the start; {@link run} lets them record. */
  prepare(lenses: readonly LensSettings[], recovered: ReadonlyMap<LensName, Recovered>): void {
    for (const settings of lenses) this.#add(settings, recovered.get(settings.lens));
  }

  /** Records until the signal aborts; resolves when the last segment of every lens is closed. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const one of this.#recorded.values()) this.#start(one, signal);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.all([...this.#recorded.values()].map(({ ended }) => ended));
  }

  /**
   * Records these lenses from now on, and others no more. A lens that is to be recorded as it is already keeps its run.
   *
   * @param onEnded called with a lens that is recorded no more, while its recorder can still be asked
   * @throws STORAGE_WRITE_FAILED, DATABASE_* once all that could be done is done
   */
  async follow(
    lenses: readonly LensSettings[],
    onEnded: (lens: LensName) => Promise<void>,
  ): Promise<Followed> {
    const wanted = new Map(lenses.map((settings) => [settings.lens, settings]));
    const ended = [...this.#recorded.keys()].filter((lens) => !wanted.has(lens));
    const started = [...wanted.keys()].filter((lens) => !this.#recorded.has(lens));
    const restarted = lenses
      .filter((settings) => {
        const recorded = this.#recorded.get(settings.lens);
        return recorded && !isSame(recorded.settings, settings);
      })
      .map(({ lens }) => lens);
    const work = [
      ...ended.map(async (lens) => {
        await this.#stop(lens);
        await onEnded(lens);
        this.#recorded.delete(lens);
      }),
      ...started.map((lens) => this.#begin(wanted.get(lens)!)),
      ...restarted.map(async (lens) => {
        await this.#stop(lens);
        await this.#begin(wanted.get(lens)!);
      }),
    ];
    const failed = (await Promise.allSettled(work)).find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
    return { started, ended, restarted };
  }

  async #begin(settings: LensSettings): Promise<void> {
    const { index, clock, reader } = this.#port;
    await recoverLens(this.#recovery, settings.lens);
    const recovered = await resume({ index, reader }, settings.lens, clock.nowMs());
    const signal = this.#signal;
    if (!signal || signal.aborted) return;
    this.#start(this.#add(settings, recovered), signal);
  }

  async #stop(lens: LensName): Promise<void> {
    const recorded = this.#recorded.get(lens)!;
    recorded.stop.abort();
    await recorded.ended;
  }

  #start(recorded: Recorded, signal: AbortSignal): void {
    recorded.ended = recorded.recorder.run(AbortSignal.any([signal, recorded.stop.signal]));
  }

  #endsOf(lens: LensName): Map<RunEndReason, number> {
    const ends = this.#runEnds.get(lens) ?? new Map<RunEndReason, number>();
    this.#runEnds.set(lens, ends);
    return ends;
  }

  #add(settings: LensSettings, recovered: Recovered | undefined): Recorded {
    const { lens, input, ffmpeg, stallMs, segmentDurationMs } = settings;
    const { start, gate, log, reader, live, ...port } = this.#port;
    const recorder = new LensRecorder({
      port: {
        ...{ ...port, lens, segmentDurationMs },
        live: (descriptor, bytes) => live(lens, descriptor, bytes),
      },
      ...{ input, ffmpeg, start, stallMs, gate: gate(lens) },
      log: log.child({ stage: 'record', lens }),
      previous: recovered?.previous,
      tidy: async () => {
        await recoverLens(this.#recovery, lens);
        return reader.segments.lastSha256(lens);
      },
      absence: recovered?.absence,
    });
    const ends = this.#endsOf(lens);
    recorder.onRunEnded = (reason) => ends.set(reason, (ends.get(reason) ?? 0) + 1);
    const recorded = { settings, recorder, stop: new AbortController(), ended: Promise.resolve() };
    this.#recorded.set(lens, recorded);
    return recorded;
  }
}

function isSame(some: LensSettings, others: LensSettings): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}
