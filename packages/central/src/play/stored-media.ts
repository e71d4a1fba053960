import { open } from 'node:fs/promises';
import { AppError } from '@gapless/shared/errors';
import { segmentId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { FragmentEntry, MovieSegment } from '@gapless/shared/isobmff';
import { decodeFragmentTable, movieSegment, readSegmentSamples } from '@gapless/shared/isobmff';
import type { DataLayout } from '../store/layout.js';
import type { StoredObject } from '../store/objects.js';
import type { StoreReader } from '../store/store.js';

/** A verified object with what is needed to play it. */
export interface PlayableObject {
  readonly object: StoredObject;
  /** Absolute path of its file. */
  readonly file: string;
  readonly fragments: readonly FragmentEntry[];
}

/** Verified objects of a lens that overlap a range, oldest first. */
export function playableObjects(
  store: StoreReader,
  layout: DataLayout,
  lensId: number,
  range: Range,
): PlayableObject[] {
  return store.objects.verified(lensId, range).map((object) => ({
    object,
    file: layout.media(object.path!),
    fragments: decodeFragmentTable(object.fragments!),
  }));
}

/** Where the media of an object begin and end in its file: behind the head, in front of the seal. */
export function mediaBytes({ fragments }: PlayableObject): { from: number; to: number } {
  const last = fragments.at(-1)!;
  return { from: fragments[0]!.offset, to: last.offset + last.sizeBytes };
}

/** Reads the sample tables of an object's file. */
export async function readMovieSegment({ object, file }: PlayableObject): Promise<MovieSegment> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const samples = await readSegmentSamples({
      sizeBytes: size,
      read: async (offset, length) => {
        const into = new Uint8Array(length);
        const { bytesRead } = await handle.read(into, 0, length, offset);
        return into.subarray(0, bytesRead);
      },
    });
    if (!samples.layout.identity) {
      throw new AppError('MEDIA_DAMAGED', `${segmentId(object)} does not say which segment it is any more`);
    }
    return movieSegment(samples);
  } finally {
    await handle.close();
  }
}
