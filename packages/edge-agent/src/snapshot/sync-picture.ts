import { AppError } from '@gapless/shared/errors';
import { ExtentList, ExtentSource } from '@gapless/shared/extents';
import { segmentId } from '@gapless/shared/ids';
import type { FragmentEntry, SegmentHead, SegmentIdentity, Track } from '@gapless/shared/isobmff';
import {
  parseMovieFragment,
  presentationOf,
  primaryTrack,
  readSegmentHead,
  readWholeBox,
  SampleCursor,
  wallMs,
  WindowedSource,
} from '@gapless/shared/isobmff';
import { MAX_SAMPLE_BYTES } from '@gapless/shared/still';
import type { EpochMs } from '@gapless/shared/time';
import type { SnapshotFile } from './snapshot-files.js';

/** Read at once: the head of a segment, and with its `moof` the beginning of a fragment. */
const WINDOW_BYTES = 16 * 1024;

/** Bound on a `moof`: a fragment is at most about a second. */
const MAX_MOOF_BYTES = 2 ** 20;

/** A sync sample and where it lies. */
export interface SyncPicture {
  readonly track: Track;
  /** When it is shown. */
  readonly atMs: EpochMs;
  /** Reads it. */
  readonly read: () => Promise<Uint8Array>;
}

/** Looks into a segment's file for single sync samples: reads its head, and of fragments only what is asked for. */
export class SyncPictures implements AsyncDisposable {
  readonly #file: SnapshotFile;
  readonly #source: ExtentSource;
  readonly #window: WindowedSource;
  readonly #head: SegmentHead;
  readonly #identity: SegmentIdentity;
  readonly #track: Track;

  private constructor(
    file: SnapshotFile,
    source: ExtentSource,
    made: { window: WindowedSource; head: SegmentHead },
  ) {
    const { identity, init } = made.head;
    if (!identity || segmentId(identity) !== segmentId(file))
      throw new AppError('SEGMENT_CORRUPT', `${file.path} does not say that it is ${segmentId(file)}`);
    this.#file = file;
    this.#source = source;
    this.#window = made.window;
    this.#head = made.head;
    this.#identity = identity;
    this.#track = primaryTrack(init);
  }

  /** @throws EXTENT_SHORT or STORAGE_* when it cannot be read, MP4_* or SEGMENT_CORRUPT when it is not what it must be */
  static async open(file: SnapshotFile): Promise<SyncPictures> {
    const { path, movesTo, sizeBytes } = file;
    const content =
      (await file.content?.()) ??
      new ExtentList([{ kind: 'file', path, movesTo, offset: 0, length: sizeBytes }]);
    const source = new ExtentSource(content);
    try {
      const window = new WindowedSource(source, WINDOW_BYTES);
      return new SyncPictures(file, source, { window, head: await readSegmentHead(window) });
    } catch (thrown) {
      await source[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#source[Symbol.asyncDispose]();
  }

  /** The newest sync sample that is shown at `atMs` or before; `undefined` when there is none in this file. */
  async lastUpTo(atMs: EpochMs): Promise<SyncPicture | undefined> {
    for (const entry of this.#syncs().reverse()) {
      // A picture is never shown before it is decoded.
      if (this.#decodedMs(entry.startTicks) > atMs) continue;
      const picture = await this.#picture(entry);
      if (picture.atMs <= atMs) return picture;
    }
    return undefined;
  }

  /** The first sync sample that is shown after `atMs`. */
  async firstAfter(atMs: EpochMs): Promise<SyncPicture | undefined> {
    const syncs = this.#syncs();
    const next = syncs.findIndex((entry) => this.#decodedMs(entry.startTicks) > atMs);
    // One that is decoded before may be shown after.
    for (const entry of syncs.slice(Math.max(0, (next < 0 ? syncs.length : next) - 1))) {
      const picture = await this.#picture(entry);
      if (picture.atMs > atMs) return picture;
    }
    return undefined;
  }

  /** Places in the file at which a sync sample begins. No picture, no sync sample to be shown. */
  #syncs(): FragmentEntry[] {
    if (this.#track.kind !== 'video') return [];
    return this.#file.fragments.filter(({ startsWithSync }) => startsWithSync);
  }

  /**
   * Wall time of a decode time. The index has the last word on when a segment begins: a run that is re-timed keeps its
   * files as they are.
   */
  #decodedMs(ticks: number): EpochMs {
    const { startTicks } = this.#file.fragments[0]!;
    return this.#file.startMs + wallMs(this.#identity, ticks) - wallMs(this.#identity, startTicks);
  }

  async #picture(entry: FragmentEntry): Promise<SyncPicture> {
    const { offset, sizeBytes } = entry;
    const moof = await readWholeBox(this.#window, offset, MAX_MOOF_BYTES);
    const media = { start: moof.bytes.length, end: sizeBytes };
    const fragment = parseMovieFragment(moof.bytes, this.#head.init, media, offset);
    const part = fragment.tracks.find(({ track }) => track.id === this.#track.id);
    const first = part && new SampleCursor(part);
    if (!first?.next() || !first.sync || first.sizeBytes > MAX_SAMPLE_BYTES)
      throw new AppError(
        'SEGMENT_CORRUPT',
        `${this.#file.path} has no keyframe at byte ${offset}, where one must be`,
      );
    const { mediaTime } = presentationOf(this.#track, this.#head.init.movieTimescale);
    const [at, length] = [offset + first.offset, first.sizeBytes];
    return {
      track: this.#track,
      atMs: this.#decodedMs(first.decodeTicks + first.compositionTicks - mediaTime),
      read: () => this.#source.read(at, length),
    };
  }
}
