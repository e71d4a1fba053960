import { AppError } from '@gapless/shared/errors';
import type { LensName, Random, RunId, SegmentRef, VehicleId } from '@gapless/shared/ids';
import { newRunId } from '@gapless/shared/ids';
import type { FragmentPiece, InitSegment, MovieFragment, SegmentClock, Track } from '@gapless/shared/isobmff';
import {
  parameterSetsChanged,
  parseFragment,
  parseInitSegment,
  primaryTrack,
  summaryOf,
  wallMs,
  withHvc1,
} from '@gapless/shared/isobmff';
import type { PieceDescriptor, RunEndReason } from '@gapless/shared/protocol';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import { ArrivalWatch } from './arrival-policy.js';
import { nextClock } from './run-clock-policy.js';
import { beginsSegment } from './segment-policy.js';
import type { SegmentPort } from './segment-writer.js';
import { SegmentWriter } from './segment-writer.js';

/** A segment that is cut before its time is at least about this long, however often a link comes and goes. */
const MIN_CUT_MS = 2 * SECOND_MS;

/** How far the wall clock is to be believed right now. */
export interface WallClock {
  readonly trusted: boolean;
  readonly bootId: string;
}

export interface RunPort extends SegmentPort {
  readonly vehicle: VehicleId;
  readonly lens: LensName;
  readonly segmentDurationMs: DurationMs;
  readonly random: Random;
  readonly wall: () => WallClock;
  /** Hands a piece of the open segment to the live lane, as soon as it stands in the file. */
  readonly live: (descriptor: PieceDescriptor, bytes: Uint8Array) => void;
  /** SHA-256 of the lens's segment before this run. */
  readonly previous: string | undefined;
}

/** A fragment with what its picture says: where it lies in media time and what it covers of it. */
interface Fragment {
  readonly piece: FragmentPiece;
  readonly media: MovieFragment;
  readonly startTicks: number;
  readonly durationTicks: number;
  readonly startsWithSync: boolean;
}

/** The longest that a camera may go without a sync sample, by which a segment could begin. */
const MAX_WITHOUT_SYNC_MS = MAX_SEGMENT_MS / 2;

/**
 * One uninterrupted recording: takes the fragments of one child process and cuts them into segments. Everything it is
 * given is either in a segment file or refused with the reason for which the run has to end.
 */
export class RunRecording {
  readonly #port: RunPort;
  readonly #initBytes: Uint8Array;
  readonly #init: InitSegment;
  readonly #primary: Track;
  readonly #arrivals = new ArrivalWatch();
  /** Fragments that came before the run's start in wall time could be told. */
  #early: Fragment[] = [];
  #run: RunId | undefined;
  #startMs: EpochMs | undefined;
  #clock: SegmentClock | undefined;
  #writer: SegmentWriter | undefined;
  #seq = 0;
  #cutSoon = false;
  #previous: string | undefined;
  #originTicks: number | undefined;
  #lastEndTicks = 0;
  /** Where the last closed segment ends. */
  #closedMs: EpochMs | undefined;

  /** @param init the first piece of the child's output; throws as `parseInitSegment` does */
  constructor(port: RunPort, init: Uint8Array) {
    this.#port = port;
    this.#previous = port.previous;
    // Players of one large vendor accept H.265 only under this name; the samples are the same.
    this.#initBytes = withHvc1(init);
    this.#init = parseInitSegment(this.#initBytes);
    this.#primary = primaryTrack(this.#init);
  }

  /** Undefined until the first fragment is recorded. */
  get run(): RunId | undefined {
    return this.#run;
  }

  /** Wall-clock start of the run; undefined until the first fragment is recorded. */
  get startMs(): EpochMs | undefined {
    return this.#startMs;
  }

  /** Wall-clock end of what stands in the run's files. */
  get endMs(): EpochMs | undefined {
    return this.#writer?.endMs ?? this.#closedMs ?? this.#startMs;
  }

  /** Bytes of the segment that is being written. */
  get openBytes(): number {
    return this.#writer?.sizeBytes ?? 0;
  }

  /** The segment that is being written. */
  get open(): { run: RunId; seq: number; startMs: EpochMs; endMs: EpochMs } | undefined {
    const writer = this.#writer;
    if (!writer || this.#run === undefined || writer.endMs <= writer.startMs) return undefined;
    return { run: this.#run, seq: writer.identity.seq, startMs: writer.startMs, endMs: writer.endMs };
  }

  /** SHA-256 of the lens's last closed segment, to chain the next run to. */
  get previous(): string | undefined {
    return this.#previous;
  }

  /**
   * Records one fragment.
   *
   * @throws MP4_* for media that make no sense, RECORD_CODEC_CHANGED, RECORD_NO_SYNC, STORAGE_WRITE_FAILED: each ends
   *   the run; what was recorded before stays good
   */
  async accept(piece: FragmentPiece): Promise<void> {
    const media = parseFragment(piece.bytes, this.#init);
    const { primary } = summaryOf(media, this.#init);
    // Nothing can be shown before the first sync sample, so a run begins with one.
    if (this.#originTicks === undefined && primary?.firstSample.sync !== true) return;
    this.#originTicks ??= primary!.startTicks;
    if (primary) this.#refuseOtherCodec(piece, primary.firstSample);
    // A fragment of sound alone stands at the end of the picture before it and takes no time.
    const startTicks = primary?.startTicks ?? this.#lastEndTicks;
    const durationTicks = primary?.durationTicks ?? 0;
    if (startTicks < this.#lastEndTicks) {
      throw new AppError('RECORD_TIME_REVERSED', `fragment ${piece.number} goes back in media time`);
    }
    this.#lastEndTicks = startTicks + durationTicks;
    if (primary) this.#noteArrival(startTicks);
    this.#early.push({
      piece,
      media,
      startTicks,
      durationTicks,
      startsWithSync: primary?.firstSample.sync ?? false,
    });
    if (this.#arrivals.isSettled) await this.#drain();
  }

  /**
   * Begins a new segment at the next sync sample. When a link returns, what it missed of the open segment can be
   * fetched only once that is closed; nobody should wait for its full length.
   */
  cutSoon(): void {
    this.#cutSoon = true;
  }

  /** Ends the run: closes the open segment and says why. Returns whether there was anything to end. */
  async finish(reason: RunEndReason): Promise<boolean> {
    await this.#drain();
    await this.#closeSegment();
    if (this.#run === undefined) return false;
    await this.#end(reason);
    return true;
  }

  /**
   * Ends the run after the disk failed it. The open segment is given up, unless its bytes were safe already; then only
   * its row or its place is missing, which the recovery before the next run puts right.
   */
  async abandon(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    this.#early = [];
    if (writer?.sealed) {
      this.#previous = writer.sealed.sha256;
      this.#closedMs = writer.sealed.endMs;
    }
    await writer?.abandon('disk').catch(() => undefined);
    if (this.#run !== undefined) await this.#end('disk');
  }

  #end(reason: RunEndReason): Promise<void> {
    return this.#port.index.endRun(this.#port.lens, this.#run!, { endMs: this.endMs!, reason });
  }

  async #drain(): Promise<void> {
    const fragments = this.#early;
    this.#early = [];
    for (const fragment of fragments) await this.#record(fragment);
  }

  async #record(fragment: Fragment): Promise<void> {
    const { piece, startTicks, durationTicks, startsWithSync } = fragment;
    this.#clock ??= await this.#beginRun(startTicks);
    if (this.#writer && this.#rotationDue(this.#writer, fragment)) await this.#closeSegment();
    const writer = (this.#writer ??= await this.#openSegment(startTicks, piece.number));
    const clock = this.#clock;
    const extent = { startMs: wallMs(clock, startTicks), endMs: wallMs(clock, startTicks + durationTicks) };
    const offset = await writer.append({
      entry: {
        number: piece.number,
        sizeBytes: piece.bytes.length,
        startTicks,
        durationTicks,
        startsWithSync,
      },
      bytes: piece.bytes,
      endMs: extent.endMs,
      picture: fragment.media.tracks.find(({ track }) => track.id === this.#primary.id),
    });
    this.#port.live(
      {
        ...this.#ref(writer),
        part: 'fragment',
        number: piece.number,
        offset,
        sizeBytes: piece.bytes.length,
        ...extent,
      },
      piece.bytes,
    );
  }

  #rotationDue(writer: SegmentWriter, { startTicks, durationTicks, startsWithSync }: Fragment): boolean {
    const segmentMs = wallMs(this.#clock!, startTicks) - writer.startMs;
    const fragmentMs = this.#mediaMs(startTicks + durationTicks) - this.#mediaMs(startTicks);
    const wantedMs = this.#cutSoon
      ? Math.min(MIN_CUT_MS, this.#port.segmentDurationMs)
      : this.#port.segmentDurationMs;
    if (beginsSegment({ segmentMs, fragmentMs, startsWithSync }, wantedMs)) return true;
    if (segmentMs <= MAX_WITHOUT_SYNC_MS) return false;
    throw new AppError(
      'RECORD_NO_SYNC',
      `the camera sent no keyframe for ${Math.round(segmentMs / 1000)} s`,
      {
        hint: 'Set a keyframe interval of a few seconds in the camera.',
      },
    );
  }

  #noteArrival(startTicks: number): void {
    const mediaEndMs = this.#mediaMs(this.#lastEndTicks);
    this.#arrivals.add({
      atMs: this.#port.clock.monotonicMs(),
      mediaEndMs,
      mediaDurationMs: mediaEndMs - this.#mediaMs(startTicks),
    });
  }

  async #beginRun(startTicks: number): Promise<SegmentClock> {
    const { clock, index, lens, random, wall } = this.#port;
    const monotonicMs = this.#arrivals.originMs + this.#mediaMs(startTicks);
    const startMs = Math.round(clock.nowMs() - (clock.monotonicMs() - monotonicMs));
    const run = newRunId(startMs, random);
    const { trusted, bootId } = wall();
    await index.beginRun({
      lens,
      run,
      bootId,
      monotonicMs,
      clockTrusted: trusted,
      startMs,
      codecs: this.#init.tracks.map((track) => track.codec),
      width: this.#primary.width,
      height: this.#primary.height,
    });
    this.#run = run;
    this.#startMs = startMs;
    return { startMs, startTicks, timescale: this.#primary.timescale, ppm: 0 };
  }

  async #openSegment(startTicks: number, firstFragment: number): Promise<SegmentWriter> {
    const { vehicle, lens, wall, clock } = this.#port;
    const observedMs =
      clock.nowMs() - (clock.monotonicMs() - (this.#arrivals.originMs + this.#mediaMs(startTicks)));
    this.#clock = nextClock(this.#clock!, startTicks, Math.round(observedMs));
    const { trusted, bootId } = wall();
    const identity = {
      ...this.#clock,
      vehicle,
      lens,
      run: this.#run!,
      seq: this.#seq,
      firstFragment,
      bootId,
      monotonicMs: Math.max(0, Math.round(this.#arrivals.originMs + this.#mediaMs(this.#clock.startTicks))),
      clock: trusted ? ('trusted' as const) : ('untrusted' as const),
    };
    const startMs = wallMs(this.#clock, startTicks);
    const { writer, head } = await SegmentWriter.open(this.#port, {
      init: this.#initBytes,
      identity,
      startMs,
    });
    this.#writer = writer;
    this.#seq++;
    this.#port.live({ ...this.#ref(writer), part: 'head', offset: 0, sizeBytes: head.length, startMs }, head);
    return writer;
  }

  async #closeSegment(): Promise<void> {
    const writer = this.#writer;
    if (!writer) return;
    const { record, seal, sealOffset } = await writer.seal(this.#previous);
    this.#writer = undefined;
    this.#cutSoon = false;
    this.#previous = record.sha256;
    this.#closedMs = record.endMs;
    this.#port.live(
      {
        ...this.#ref(writer),
        part: 'seal',
        offset: sealOffset,
        sizeBytes: seal.length,
        startMs: writer.startMs,
      },
      seal,
    );
  }

  #ref(writer: SegmentWriter): SegmentRef {
    return { lens: this.#port.lens, run: this.#run!, seq: writer.identity.seq };
  }

  #refuseOtherCodec(piece: FragmentPiece, first: { sync: boolean; offset: number; sizeBytes: number }): void {
    const sample = piece.bytes.subarray(first.offset, first.offset + first.sizeBytes);
    if (!first.sync || !parameterSetsChanged(this.#primary, sample)) return;
    throw new AppError('RECORD_CODEC_CHANGED', 'the camera changed its encoding');
  }

  /** Milliseconds of media time since the run's first sample, fractional. */
  #mediaMs(ticks: number): number {
    return ((ticks - this.#originTicks!) * 1000) / this.#primary.timescale;
  }
}
