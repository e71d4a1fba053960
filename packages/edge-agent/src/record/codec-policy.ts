import { AppError } from '@gapless/shared/errors';
import type { InitSegment, Track } from '@gapless/shared/isobmff';
import { parameterSetsChanged } from '@gapless/shared/isobmff';
import { runRow } from '@gapless/shared/protocol';

/** @throws MP4_UNSUPPORTED for codecs that the catalogue could not tell central of */
export function requireTellable({ tracks }: InitSegment): void {
  const parsed = runRow.shape.codecs.safeParse(tracks.map((track) => track.codec));
  if (parsed.success) return;
  throw new AppError('MP4_UNSUPPORTED', 'the camera names its codecs in a way that cannot be told');
}

/**
 * @param fragment whole, as it came
 * @param first its first sample of the picture
 * @throws RECORD_CODEC_CHANGED when that needs another decoder than the run's init segment describes
 */
export function requireSameCodec(
  track: Track,
  fragment: Uint8Array,
  first: { readonly sync: boolean; readonly offset: number; readonly sizeBytes: number },
): void {
  if (!first.sync) return;
  const sample = fragment.subarray(first.offset, first.offset + first.sizeBytes);
  if (parameterSetsChanged(track, sample))
    throw new AppError('RECORD_CODEC_CHANGED', 'the camera changed its encoding');
}
