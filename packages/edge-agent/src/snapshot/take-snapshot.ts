import { AppError } from '@gapless/shared/errors';
import type { LensName, SegmentRef, VehicleId } from '@gapless/shared/ids';
import type { PictureDecoders, PictureLook } from '@gapless/shared/still';
import { jpegSize, withExif } from '@gapless/shared/still';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { formatUtc, MINUTE_MS } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import type { OpenSegment, SnapshotFile } from './snapshot-files.js';
import { closedFile, openFile } from './snapshot-files.js';
import type { SyncPicture } from './sync-picture.js';
import { SyncPictures } from './sync-picture.js';

export interface SnapshotPort {
  readonly vehicle: VehicleId;
  readonly reader: Pick<IndexReader, 'segments' | 'lenses'>;
  readonly storageDir: string;
  /** What a lens is writing at this moment; `undefined` for a lens that is not recorded (any more). */
  readonly lensNow: (lens: LensName) => { readonly open?: OpenSegment | undefined } | undefined;
  /** Keeps segments from being evicted until the result is disposed of. */
  readonly hold: (segments: readonly SegmentRef[]) => Disposable;
  readonly decoders: Pick<PictureDecoders, 'jpegOf'>;
}

export interface SnapshotRequest {
  readonly lens: LensName;
  /** `undefined`: the newest picture there is. */
  readonly atMs: EpochMs | undefined;
  /** The keyframe at or before that time, or the one nearest to it. */
  readonly pick: 'before' | 'nearest';
  readonly look: PictureLook;
}

export interface Snapshot {
  readonly lens: LensName;
  /** When the picture was taken. */
  readonly atMs: EpochMs;
  /** Where it stands. */
  readonly segment: SegmentRef;
  readonly width: number;
  readonly height: number;
  readonly jpeg: Uint8Array;
}

/**
 * How far from the time that was asked for a picture may be taken. Where there is footage at that time, its keyframe is
 * found however far back it is.
 */
const REACH_MS: DurationMs = MINUTE_MS;

/**
 * Snapshot: a JPEG of the keyframe at or before a time, or nearest to it. Reads one file's head and one sample.
 *
 * @throws LENS_UNKNOWN, FOOTAGE_NONE when nothing lies within reach, SNAPSHOT_FAILED, SNAPSHOT_SLOW, SNAPSHOT_BUSY,
 *   FFMPEG_MISSING; SEGMENT_CORRUPT, EXTENT_SHORT or MP4_* for a file that is not what it must be
 */
export async function takeSnapshot(
  port: SnapshotPort,
  request: SnapshotRequest,
  signal: AbortSignal,
): Promise<Snapshot> {
  const { lens, atMs, look } = request;
  if (!port.lensNow(lens) && !port.reader.lenses().includes(lens))
    throw new AppError('LENS_UNKNOWN', `there is no lens ${lens} on this vehicle`);
  const files = filesNear(port, request);
  using _held = port.hold(files);
  const found = await find(files, request);
  if (!found)
    throw new AppError(
      'FOOTAGE_NONE',
      atMs === undefined
        ? `there is no picture of ${lens} yet`
        : `no picture of ${lens} lies near ${formatUtc(atMs)}`,
    );
  const { picture, sample, segment } = found;
  const jpeg = await port.decoders.jpegOf({ track: picture.track, sample }, look, signal);
  return {
    lens,
    atMs: picture.atMs,
    segment,
    ...jpegSize(jpeg),
    jpeg: withExif(jpeg, { atMs: picture.atMs, description: `${port.vehicle}/${lens}` }),
  };
}

/** Files in which the picture can be, oldest first. */
function filesNear({ reader, storageDir, lensNow }: SnapshotPort, request: SnapshotRequest): SnapshotFile[] {
  const { lens, atMs, pick } = request;
  const window =
    atMs === undefined
      ? { startMs: 0, endMs: Number.MAX_SAFE_INTEGER }
      : { startMs: Math.max(0, atMs - REACH_MS), endMs: atMs + (pick === 'nearest' ? REACH_MS : 1) };
  const open = lensNow(lens)?.open;
  const closed =
    atMs === undefined ? reader.segments.newest(lens, window, 1) : reader.segments.overlapping(lens, window);
  const files = closed
    // One that is being closed has its row a moment before it has its place.
    .filter(({ run, seq }) => open?.run !== run || open.seq !== seq)
    .map((segment) => closedFile(storageDir, segment));
  if (open && open.startMs < window.endMs && window.startMs < open.endMs)
    files.push(openFile(storageDir, { lens, ...open }));
  return files;
}

interface Found {
  readonly picture: SyncPicture;
  readonly sample: Uint8Array;
  readonly segment: SegmentRef;
}

async function find(
  files: readonly SnapshotFile[],
  { atMs, pick }: SnapshotRequest,
): Promise<Found | undefined> {
  const wantedMs = atMs ?? Number.MAX_SAFE_INTEGER;
  const begun = files.filter(({ startMs }) => startMs <= wantedMs).reverse();
  const before = await firstIn(begun, (file) => file.lastUpTo(wantedMs));
  if (pick === 'before') return before;
  const going = files.filter(({ endMs }) => endMs > wantedMs);
  const after = await firstIn(going, (file) => file.firstAfter(wantedMs));
  if (!before || !after) return before ?? after;
  return after.picture.atMs - wantedMs < wantedMs - before.picture.atMs ? after : before;
}

/** The first that `look` finds, read. */
async function firstIn(
  files: readonly SnapshotFile[],
  look: (file: SyncPictures) => Promise<SyncPicture | undefined>,
): Promise<Found | undefined> {
  for (const file of files) {
    await using pictures = await SyncPictures.open(file);
    const picture = await look(pictures);
    if (picture) return { picture, sample: await picture.read(), segment: file };
  }
  return undefined;
}
