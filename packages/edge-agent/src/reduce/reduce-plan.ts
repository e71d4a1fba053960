import { AppError } from '@gapless/shared/errors';
import type { Box, ByteSource, LocatedBox } from '@gapless/shared/isobmff';
import {
  childrenOf,
  Fields,
  mp4Invalid,
  mp4Unsupported,
  readLocatedBox,
  WindowedSource,
} from '@gapless/shared/isobmff';
import type { CameraBlock } from './camera-index.js';
import { readCameraIndex, relocateCameraBlocks } from './camera-index.js';
import type { DefaultSizes } from './fragment.js';
import { readDefaultSizes, relocateFragment } from './fragment.js';
import { relocateRandomAccess, relocateRandomAccessSize, relocateSegmentIndex } from './indexes.js';
import { relocateItems } from './items.js';
import { Move } from './move.js';
import { Patches } from './patches.js';
import { Relocation } from './relocation.js';
import { relocateSampleTables } from './sample-tables.js';
import type { Concern, Padding, Survey } from './survey.js';
import { surveyFile } from './survey.js';
import { mayPointInto } from './unknown-box.js';

/** A stretch of the source, or bytes that take the place of one. */
export type Piece =
  | { readonly kind: 'source'; readonly from: number; readonly to: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** What a reduced file is made of. */
export interface ReducePlan {
  /** In their order. */
  readonly pieces: readonly Piece[];
  readonly savedBytes: number;
  /** Boxes of padding that are left out. */
  readonly removedBoxes: number;
  /** Boxes in the guise of padding that are kept, because a camera put its measurements there. */
  readonly cameraBoxes: readonly LocatedBox[];
  /** What the camera's own index names, offsets in the source. */
  readonly cameraBlocks: readonly CameraBlock[];
}

/** Fragments, indexes and metadata of real files are far smaller. */
const MAX_BOX_BYTES = 2 ** 24;
const MAX_UNKNOWN_BYTES = 2 ** 20;

/**
 * Plans an MP4 file without its padding. Reads headers and tables, never samples, and proves that everything which says
 * where bytes lie still says so afterwards. A file without padding is planned as it is.
 *
 * @throws MP4_INVALID, MP4_UNSUPPORTED or MP4_TOO_LARGE when that cannot be proven
 */
export async function planReduction(source: ByteSource, signal: AbortSignal): Promise<ReducePlan> {
  const survey = await surveyFile(source, signal);
  const { padding, cameraBoxes, cameraBlocks } = await withoutCameraData(source, survey);
  const removed = padding
    .map(({ box }) => ({ from: box.offset, to: box.end }))
    .sort((a, b) => a.from - b.from);
  const relocation = new Relocation(removed);
  const patches = new Patches();
  if (removed.length > 0) {
    const move = new Move({ source, relocation, patches, media: survey.media, signal });
    const shrunk = shrink(move, padding);
    await new Relocator(move, survey, shrunk).all({ cameraBoxes, cameraBlocks });
    const clash = patches.clash(move.pinned);
    if (clash) throw mp4Invalid('file', clash.from, 'has data that are read as something else, too');
  }
  return {
    pieces: piecesOf(source.sizeBytes, relocation, patches),
    savedBytes: relocation.removedBytes,
    removedBoxes: removed.length,
    cameraBoxes,
    cameraBlocks,
  };
}

type Found = Pick<ReducePlan, 'cameraBoxes' | 'cameraBlocks'> & { readonly padding: readonly Padding[] };

/** What the camera's own index names is no padding, whatever it looks like. */
async function withoutCameraData(source: ByteSource, survey: Survey): Promise<Found> {
  const cameraBlocks: CameraBlock[] = [];
  for (const { role, box } of survey.concerns)
    if (role === 'camera-index') cameraBlocks.push(...(await readCameraIndex(source, box)));
  const named = new Set(cameraBlocks.map(({ offset }) => offset));
  const isNamed = ({ box }: Padding): boolean => named.has(box.offset);
  return {
    padding: survey.padding.filter((each) => !isNamed(each)),
    cameraBoxes: [...survey.cameraData, ...survey.padding.filter(isNamed).map(({ box }) => box)],
    cameraBlocks,
  };
}

/** By how much boxes become shorter, by where they begin; notes their new sizes. */
function shrink(move: Move, padding: readonly Padding[]): ReadonlyMap<number, number> {
  const removed = new Map<number, number>();
  const boxes = new Map<number, LocatedBox>();
  for (const { box, inside } of padding)
    for (const container of inside) {
      boxes.set(container.offset, container);
      removed.set(container.offset, (removed.get(container.offset) ?? 0) + box.end - box.offset);
    }
  for (const [offset, box] of boxes) {
    if (box.isOpen) continue;
    const wide = box.headerBytes >= 16;
    const from = box.end - offset;
    const to = from - removed.get(offset)!;
    move.number(box, offset + (wide ? 8 : 0), { from, to, width: wide ? 8 : 4 });
  }
  return removed;
}

/** Goes through the boxes that concern offsets. */
class Relocator {
  readonly #move: Move;
  readonly #survey: Survey;
  /** By how much boxes become shorter, by where they begin. */
  readonly #shrunk: ReadonlyMap<number, number>;
  readonly #source: WindowedSource;
  #defaults: DefaultSizes = new Map();
  #fragments: ReadonlySet<number> = new Set();

  constructor(move: Move, survey: Survey, shrunk: ReadonlyMap<number, number>) {
    this.#move = move;
    this.#survey = survey;
    this.#shrunk = shrunk;
    this.#source = new WindowedSource(move.source);
  }

  async all({ cameraBoxes, cameraBlocks }: Omit<Found, 'padding'>): Promise<void> {
    const { concerns } = this.#survey;
    this.#fragments = new Set(concerns.flatMap(({ role, box }) => (role === 'fragment' ? [box.offset] : [])));
    // Fragments need what the movie says, which may stand behind them.
    for (const { role, box } of concerns)
      if (role === 'movie-extends') this.#defaults = readDefaultSizes(await this.#read(box));
    for (const { role, box, parent } of concerns) {
      this.#move.signal.throwIfAborted();
      if (role === 'camera-index')
        relocateCameraBlocks(this.#move, box, { blocks: cameraBlocks, kept: cameraBoxes });
      else if (role !== 'movie-extends') await this.#relocate(role, box, parent);
    }
  }

  async #relocate(
    role: Exclude<Concern['role'], 'camera-index' | 'movie-extends'>,
    box: LocatedBox,
    parent: LocatedBox | undefined,
  ): Promise<void> {
    const move = this.#move;
    if (role === 'sample-tables') await relocateSampleTables(move, box);
    else if (role === 'forbidden')
      throw mp4Unsupported(box.type, box.offset, 'does not survive that anything moves');
    else if (role === 'unknown') await this.#requireHarmless(box);
    else if (role === 'data-references') requireOwnData(await this.#read(box));
    else if (role === 'fragment') relocateFragment(move, await this.#read(box), this.#defaults);
    else if (role === 'random-access') relocateRandomAccess(move, await this.#read(box), this.#fragments);
    else if (role === 'random-access-size')
      relocateRandomAccessSize(move, await this.#read(box), this.#lengthOf(parent!));
    else if (role === 'segment-index') relocateSegmentIndex(move, await this.#read(box));
    else relocateItems(move, await this.#read(box));
  }

  #lengthOf({ offset, end }: LocatedBox) {
    return { sizeBytes: end - offset, removedBytes: this.#shrunk.get(offset) ?? 0 };
  }

  async #requireHarmless(located: LocatedBox): Promise<void> {
    const box = await readLocatedBox(this.#source, located, MAX_UNKNOWN_BYTES);
    const moving = { from: this.#move.firstRemoved, to: this.#move.source.sizeBytes };
    if (mayPointInto(box, moving))
      throw mp4Unsupported(located.type, located.offset, 'is of an unknown type and may hold offsets');
  }

  #read(box: LocatedBox) {
    return readLocatedBox(this.#source, box, MAX_BOX_BYTES);
  }
}

/** Samples may lie in other files (section 8.7.2); then offsets would be those of other files, too. */
function requireOwnData(dref: Box): void {
  for (const entry of childrenOf(dref, 8)) {
    const { flags } = new Fields(entry).versionAndFlags();
    if ((flags & 1) === 0) throw mp4Unsupported(dref.type, dref.at, 'has samples in another file');
  }
}

function piecesOf(sizeBytes: number, { removed }: Relocation, patches: Patches): Piece[] {
  const changes = [
    ...removed.map(({ from, to }) => ({ from, to, bytes: undefined })),
    ...patches.sorted().map(({ offset, bytes }) => ({ from: offset, to: offset + bytes.length, bytes })),
  ].sort((a, b) => a.from - b.from);
  const pieces: Piece[] = [];
  let at = 0;
  for (const { from, to, bytes } of changes) {
    if (from < at) throw new AppError('MP4_INVALID', `two boxes claim the bytes at ${from}`);
    if (from > at) pieces.push({ kind: 'source', from: at, to: from });
    if (bytes) pieces.push({ kind: 'bytes', bytes });
    at = to;
  }
  if (at < sizeBytes) pieces.push({ kind: 'source', from: at, to: sizeBytes });
  return pieces;
}
