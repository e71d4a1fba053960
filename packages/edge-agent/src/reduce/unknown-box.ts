import type { Box } from '@gapless/shared/isobmff';

/** A stretch of a file in which no offset may be left as it is. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * Whether a box that nobody knows may hold an offset into the stretch: a number of 32 or 64 bits, at any place, in either
 * byte order, that lies in it. Text does not, in files of less than half a gigabyte: four letters are a larger number.
 */
export function mayPointInto({ body }: Pick<Box, 'body'>, { from, to }: Stretch): boolean {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const inside = (value: number): boolean => value >= from && value < to;
  for (let at = 0; at + 4 <= body.length; at++) {
    if (inside(view.getUint32(at)) || inside(view.getUint32(at, true))) return true;
    if (to <= 2 ** 32 || at + 8 > body.length) continue;
    if (inside(Number(view.getBigUint64(at))) || inside(Number(view.getBigUint64(at, true)))) return true;
  }
  return false;
}
