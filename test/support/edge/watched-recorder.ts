import { createLog } from '@gapless/shared/log';
import type { LensStatus } from '@gapless/shared/protocol';
import type { AbsenceRecord } from '../../../packages/edge-agent/src/index/index.js';
import type { Random } from '@gapless/shared/ids';
import { systemRandom } from '@gapless/shared/lifecycle';
import { LensRecorder } from '../../../packages/edge-agent/src/record/lens-recorder.js';
import type { OpenAbsence } from '../../../packages/edge-agent/src/record/absence-log.js';
import { recoverLens } from '../../../packages/edge-agent/src/record/recover.js';
import { RecordingGate } from '../../../packages/edge-agent/src/record/recording-gate.js';
import type { FakeChild } from './fake-camera.js';
import { FakeCamera } from './fake-camera.js';
import type { Recordings } from './recordings.js';
import { front, passing, turn } from './recordings.js';

export const STALL_MS = 10_000;

/** A recorder of the lens front with a camera whose every byte a test writes. */
export class WatchedRecorder implements AsyncDisposable {
  readonly camera = new FakeCamera();
  readonly gate = new RecordingGate();
  /** Every log line, parsed. */
  readonly said: Record<string, unknown>[] = [];
  readonly recorder: LensRecorder;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  private constructor(
    readonly recordings: Recordings,
    absence: OpenAbsence | undefined,
  ) {
    const { previous, ...port } = recordings.runPort(front);
    // Full waits, so that a test sees how they grow.
    const random: Random = { ...systemRandom, fraction: () => 0.999_999 };
    const log = createLog('test', 'info', {
      write: (line) => void this.said.push(JSON.parse(line) as Record<string, unknown>),
    });
    this.recorder = new LensRecorder({
      port: { ...port, random },
      input: { url: 'rtsp://10.0.0.11/main', options: [], audio: 'auto' },
      ffmpeg: 'ffmpeg',
      start: this.camera.start,
      stallMs: STALL_MS,
      log,
      previous,
      gate: this.gate,
      tidy: async () => {
        await recoverLens({ ...port, bootId: 'boot-1', reader: recordings.reader, log }, front);
        return recordings.reader.segments.lastSha256(front);
      },
      absence,
    });
    this.#running = this.recorder.run(this.#stop.signal);
  }

  static async of(recordings: Recordings): Promise<WatchedRecorder> {
    const recovered = await recordings.begin(front);
    return new WatchedRecorder(recordings, recovered.get(front)!.absence);
  }

  /** Lets time pass until the child of that number, from 0, was started. */
  child(number: number): Promise<FakeChild> {
    return passing(this.recordings.clock, this.camera.child(number));
  }

  /** Gives a child's output piece by piece, a second apart. */
  async play(child: FakeChild, pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      await this.recordings.clock.advance(1_000);
      await child.give(piece);
    }
  }

  /** Lets exactly so much time pass, and what it sets off happen. */
  async wait(ms: number): Promise<void> {
    await this.recordings.clock.advance(ms);
    await turn();
  }

  /** Lets time pass until the recorder says that it is in a state. */
  async until(state: LensStatus['state']): Promise<void> {
    await passing(
      this.recordings.clock,
      this.#seen(() => this.recorder.status.state === state),
    );
  }

  /** Lets time pass until the row of an absence is written. */
  async nextAbsence(): Promise<AbsenceRecord> {
    const { reader } = this.recordings;
    const fromSeq = reader.changeSeq;
    const isWritten = (): boolean => reader.absences.changedAfter(fromSeq, 1).length > 0;
    await passing(this.recordings.clock, this.#seen(isWritten));
    return reader.absences.changedAfter(fromSeq, 1)[0]!.row;
  }

  async #seen(isSo: () => boolean): Promise<void> {
    while (!isSo()) await turn();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await passing(this.recordings.clock, this.#running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
