import type { SampleTable } from '@gapless/shared/isobmff';

/** Bytes that lie together in a file. */
export interface Stretch {
  readonly offset: number;
  readonly length: number;
}

/** Where samples `[first, end)` lie, in their order; neighbours are one stretch. */
export function stretchesOf(
  { offset, sizeBytes }: Pick<SampleTable, 'offset' | 'sizeBytes'>,
  { first, end }: { readonly first: number; readonly end: number },
): Stretch[] {
  const stretches: { offset: number; length: number }[] = [];
  for (let i = first; i < end; i++) {
    const last = stretches.at(-1);
    if (last && last.offset + last.length === offset[i]!) last.length += sizeBytes[i]!;
    else stretches.push({ offset: offset[i]!, length: sizeBytes[i]! });
  }
  return stretches;
}
