import type { RunId, SegmentRef } from '@gapless/shared/ids';
import { newRunId } from '@gapless/shared/ids';
import type {
  FragmentEntry,
  FragmentPiece,
  InitSegment,
  MovieFragment,
  SegmentClock,
  Track,
} from '@gapless/shared/isobmff';
import {
  parseFragment,
  parseInitSegment,
  primaryTrack,
  summaryOf,
  wallMs,
  withHvc1,
} from '@gapless/shared/isobmff';
import type { RunEndReason } from '@gapless/shared/protocol';
import type { EpochMs } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import { ArrivalWatch } from './arrival-policy.js';
import type { Placement } from './media-time-policy.js';
import { requireSameCodec, requireTellable } from './codec-policy.js';
import { MAX_WITHOUT_SYNC_MS, MediaTime, noSync } from './media-time-policy.js';
import { nextClock } from './run-clock-policy.js';
import { beginsSegment } from './segment-policy.js';
import type { RunPort } from './run-port.js';
import { SegmentWriter } from './segment-writer.js';

/** A segment that is cut before its time is at least about this long, however often a link comes and goes. */
const MIN_CUT_MS = 2 * SECOND_MS;

/** Bytes that may wait for the run's start in wall time; a camera that sends more at once gets a start that is less exact. */
const MAX_EARLY_BYTES = 8 * 2 ** 20;

/** A fragment with what its picture says. */
interface Fragment extends Placement {
  readonly piece: FragmentPiece;
  readonly media: MovieFragment;
  readonly startsWithSync: boolean;
}

/**
 * One uninterrupted recording: takes the fragments of one child process and cuts them into segments. Everything it is
 * given is either in a segment file or refused with the reason for which the run has to end.
 */
export class RunRecording {
  readonly #port: RunPort;
  readonly #initBytes: Uint8Array;
  readonly #init: InitSegment;
  readonly #primary: Track;
  readonly #time: MediaTime;
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
    this.#time = new MediaTime(this.#primary.timescale);
    requireTellable(this.#init);
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

  /** The fragments of the segment that is being written, so far. */
  get openFragments(): readonly FragmentEntry[] {
    return this.#writer?.fragments ?? [];
  }

  /** SHA-256 of the lens's last closed segment, to chain the next run to. */
  get previous(): string | undefined {
    return this.#previous;
  }

  /**
   * Records one fragment.
   *
   * @returns whether the camera gave a picture with it, be it one that cannot be shown yet
   * @throws MP4_* for media that make no sense, RECORD_*, STORAGE_WRITE_FAILED: each ends the run; what was recorded
   *   before stays good
   */
  async accept(piece: FragmentPiece): Promise<boolean> {
    const media = parseFragment(piece.bytes, this.#init);
    const { primary } = summaryOf(media, this.#init);
    const placement = this.#time.take(piece.number, primary);
    if (!placement) return primary !== undefined;
    if (primary) {
      requireSameCodec(this.#primary, piece.bytes, primary.firstSample);
      this.#noteArrival(placement);
    }
    this.#early.push({ piece, media, ...placement, startsWithSync: primary?.firstSample.sync ?? false });
    const earlyBytes = this.#early.reduce((sum, early) => sum + early.piece.bytes.length, 0);
    if (this.#arrivals.isSettled || earlyBytes > MAX_EARLY_BYTES) await this.#drain();
    return primary !== undefined;
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
    const fragmentMs = this.#time.mediaMs(startTicks + durationTicks) - this.#time.mediaMs(startTicks);
    const wantedMs = this.#cutSoon
      ? Math.min(MIN_CUT_MS, this.#port.segmentDurationMs)
      : this.#port.segmentDurationMs;
    if (beginsSegment({ segmentMs, fragmentMs, startsWithSync }, wantedMs)) return true;
    if (segmentMs > MAX_WITHOUT_SYNC_MS) throw noSync(segmentMs);
    return false;
  }

  #noteArrival({ startTicks, durationTicks }: Placement): void {
    const mediaEndMs = this.#time.mediaMs(startTicks + durationTicks);
    this.#arrivals.add({
      atMs: this.#port.clock.monotonicMs(),
      mediaEndMs,
      mediaDurationMs: mediaEndMs - this.#time.mediaMs(startTicks),
    });
  }

  async #beginRun(startTicks: number): Promise<SegmentClock> {
    const { clock, index, lens, random, wall } = this.#port;
    const monotonicMs = this.#arrivals.originMs + this.#time.mediaMs(startTicks);
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
      clock.nowMs() - (clock.monotonicMs() - (this.#arrivals.originMs + this.#time.mediaMs(startTicks)));
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
      monotonicMs: Math.max(
        0,
        Math.round(this.#arrivals.originMs + this.#time.mediaMs(this.#clock.startTicks)),
      ),
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
}
