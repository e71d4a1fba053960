import type { FragmentCut, FragmentPart } from '@gapless/shared/isobmff';
import {
  cutFragments,
  fragmentHeader,
  initSegmentOf,
  looksWritten,
  parseFragment,
  parseInitSegment,
} from '@gapless/shared/isobmff';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { formatUtc, MINUTE_MS } from '@gapless/shared/time';
import type { AdoptionChange } from '../index/adoption-writer.js';
import type { AdoptedFacts } from '../index/rows.js';
import type { AdoptionPort, AdoptionState, FoundFile } from './adoption.js';
import { AdoptedRun } from './adopted-run.js';
import type { Measured } from './measure.js';
import { stretchesOf } from './media-stretches.js';
import { continues, correctionPpm } from './seam-policy.js';
import type { WrappedSegment } from './segment-draft.js';
import { SegmentDraft } from './segment-draft.js';
import type { SourceReader } from './source-reader.js';

export interface WrapPort extends Pick<
  AdoptionPort,
  'vehicle' | 'lens' | 'random' | 'evidence' | 'segmentDurationMs'
> {
  readonly found: FoundFile;
  readonly reader: SourceReader;
  /** Takes a segment that is complete. */
  readonly publish: (segment: WrappedSegment) => Promise<void>;
}

export interface Wrapped {
  readonly changes: readonly AdoptionChange[];
  readonly facts: AdoptedFacts;
  /** What is wrong with the file, as one sentence. */
  readonly damage: string | undefined;
  readonly state: AdoptionState;
}

/** Without a keyframe for so long, a segment ends anyway: none is longer than ten minutes. */
const MAX_SEGMENT_MS: DurationMs = 5 * MINUTE_MS;

/**
 * Makes segments of a file's samples: reads all its media once, to hash them and to see whether they were written, and
 * copies none of them.
 */
export async function wrapSegments(
  port: WrapPort,
  measured: Measured,
  state: AdoptionState,
  signal: AbortSignal,
): Promise<Wrapped> {
  const wrapping = new Wrapping(port, measured, state);
  if (measured.video) await wrapping.run(signal);
  return wrapping.result();
}

class Wrapping {
  readonly #port: WrapPort;
  readonly #measured: Measured;
  readonly #initBytes: Uint8Array;
  readonly #changes: AdoptionChange[] = [];
  /** Where the footage ended that was adopted before this file. */
  readonly #formerEndMs: EpochMs | undefined;
  #run: AdoptedRun | undefined;
  #previous: string | undefined;
  #draft: SegmentDraft | undefined;
  /** Ticks of the run's media clock for tick 0 of the file's. */
  #shiftTicks = 0;
  /** Whether what comes next can be decoded only from a sync sample on. */
  #needsSync = true;
  #continues = false;
  #damage: string | undefined;

  constructor(port: WrapPort, measured: Measured, { run, previous }: AdoptionState) {
    const { video, sound } = measured.movie;
    this.#port = port;
    this.#measured = measured;
    this.#initBytes = initSegmentOf([video, sound].flatMap((one) => (one ? [one.track] : [])));
    this.#formerEndMs = run?.endMs;
    // A copy: should the file turn out to be unreadable half-way, the run goes on as if it had not been tried.
    this.#run = run?.copy();
    this.#previous = previous;
    this.#damage = measured.damage?.message;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { video, sound } = this.#measured.movie;
    const cuts = cutFragments({
      pictures: video!.table,
      sound: sound?.table,
      timescale: video!.track.timescale,
      soundTimescale: sound?.track.timescale ?? 1,
    });
    let isFirst = true;
    for (const cut of cuts) {
      signal.throwIfAborted();
      if (isFirst) await this.#begin(cut);
      else if (cut.leaps) await this.#endRun();
      isFirst = false;
      if (!this.#needsSync || cut.sync) await this.#append(cut);
    }
    await this.#closeSegment();
  }

  result(): Wrapped {
    const { facts, movie, video } = this.#measured;
    if (this.#run && video) this.#run.mediaMtx = movie.mediaMtx;
    const overlapMs =
      this.#formerEndMs === undefined || !facts.video ? undefined : this.#formerEndMs - facts.video.startMs;
    return {
      changes: this.#changes,
      facts: { ...facts, continues: this.#continues, ...(overlapMs === undefined ? {} : { overlapMs }) },
      damage: this.#damage,
      state: { run: this.#run, previous: this.#previous },
    };
  }

  /** Decides whether the file goes on with the run before it. */
  async #begin({ startTicks }: FragmentCut): Promise<void> {
    const { movie, start, toMs, lengthMs, facts } = this.#measured;
    const run = this.#run;
    if (!run) return;
    const { toleranceMs } = start;
    const startMs = toMs(startTicks);
    this.#continues = continues({
      before: { mediaMtx: run.mediaMtx, init: run.initBytes, endMs: run.endMs },
      after: { mediaMtx: movie.mediaMtx, init: this.#initBytes, startMs, toleranceMs },
      beginsWithSync: facts.undecodableMs === 0,
    });
    if (!this.#continues) return this.#endRun();
    run.correct(correctionPpm(startMs - run.endMs, { lengthMs, toleranceMs }));
    this.#shiftTicks = run.endTicks - startTicks;
    this.#needsSync = false;
  }

  async #append(cut: FragmentCut): Promise<void> {
    const run = this.#run ?? this.#beginRun(cut);
    if (this.#draft && this.#isFull(this.#draft, run, cut)) await this.#closeSegment();
    const { bytes, headerBytes, media } = await this.#fragment(run, cut);
    if (!looksWritten(bytes, parseFragment(bytes, run.init))) {
      // After a power cut a file can have its full length and zeros where it was never written.
      const at = formatUtc(Math.round(this.#measured.toMs(cut.startTicks)));
      this.#damage ??= `what was recorded from ${at} on was not written out`;
      return this.#endRun();
    }
    this.#draft ??= new SegmentDraft(this.#port.found, run.initBytes, {
      identity: run.nextSegment(),
      startTicks: run.endTicks,
    });
    this.#draft.append(bytes, headerBytes, media);
    run.take(cut.durationTicks);
    this.#needsSync = false;
  }

  #beginRun({ startTicks }: FragmentCut): AdoptedRun {
    const { vehicle, lens, random } = this.#port;
    const run = new AdoptedRun({
      ...{ vehicle, lens, random, initBytes: this.#initBytes, init: parseInitSegment(this.#initBytes) },
      startMs: Math.round(this.#measured.toMs(startTicks)),
    });
    this.#run = run;
    this.#shiftTicks = -startTicks;
    this.#changes.push({ kind: 'begin-run', run: run.row });
    return run;
  }

  /** Whether the fragment is to begin another segment. */
  #isFull({ startTicks }: SegmentDraft, run: AdoptedRun, { sync }: FragmentCut): boolean {
    const lengthMs = ((run.endTicks - startTicks) * 1000) / this.#measured.video!.track.timescale;
    return lengthMs >= MAX_SEGMENT_MS || (sync && lengthMs >= this.#port.segmentDurationMs);
  }

  /** Reads what belongs into a fragment, and puts its header in front. */
  async #fragment(run: AdoptedRun, cut: FragmentCut) {
    const { video, sound } = this.#measured.movie;
    const parts: FragmentPart[] = [
      { trackId: 1, table: video!.table, first: cut.first, end: cut.end, startTicks: run.endTicks },
    ];
    if (sound && cut.sound.end > cut.sound.first) {
      const scale = sound.track.timescale / video!.track.timescale;
      const startTicks = Math.round(sound.table.decodeTicks[cut.sound.first]! + this.#shiftTicks * scale);
      parts.push({ trackId: 2, table: sound.table, ...cut.sound, startTicks: Math.max(0, startTicks) });
    }
    const media = parts.flatMap((part) => stretchesOf(part.table, part));
    const header = fragmentHeader(run.nextFragment, parts);
    const bytes = new Uint8Array(header.length + media.reduce((sum, { length }) => sum + length, 0));
    bytes.set(header);
    let at = header.length;
    for (const { offset, length } of media) {
      await this.#port.reader.readAll(bytes.subarray(at, at + length), offset);
      at += length;
    }
    return { bytes, headerBytes: header.length, media };
  }

  async #closeSegment(): Promise<void> {
    const draft = this.#draft;
    this.#draft = undefined;
    if (!draft) return;
    const segment = await draft.seal(this.#port.evidence, this.#previous);
    this.#previous = segment.record.sha256;
    this.#changes.push({ kind: 'segment', segment: segment.record });
    await this.#port.publish(segment);
  }

  /** What follows does not continue what was adopted so far. */
  async #endRun(): Promise<void> {
    await this.#closeSegment();
    const run = this.#run;
    this.#run = undefined;
    this.#needsSync = true;
    if (run) this.#changes.push({ kind: 'end-run', run: run.id, endMs: run.endMs, reason: 'stopped' });
  }
}
