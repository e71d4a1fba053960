import { typeAt } from '@gapless/shared/isobmff';

/** As many bytes of a body are enough to recognise what is in it. */
export const CAMERA_DATA_BYTES = 32;

/** What chips of Novatek's kind put at the start of a block of positions: `free` and this make "freeGPS ". */
export const NOVATEK_MAGIC = 'GPS ';

const LIGO_MAGIC = 'LIGOGPSINFO';

/** Boxes that makers of dashcams put into `free` and `skip`: positions, acceleration, preview pictures, texts. */
const NESTED = new Set([
  'gps ',
  '3gf ',
  'gsea',
  'gsen',
  'thum',
  'thma',
  'cprt',
  'ptnm',
  'ptrh',
  'tima',
  'ver ',
]);

/**
 * Whether the body of a `free` or `skip` box begins as those do in which dashcams keep what they measured. By the standard
 * nobody may care for what is in such a box; but what the camera measured is evidence.
 *
 * @param body its first {@link CAMERA_DATA_BYTES}, or all if it is shorter
 */
export function isCameraData(body: Uint8Array): boolean {
  if (body.length < 8) return false;
  const text = Buffer.from(body).toString('latin1');
  return text.startsWith(NOVATEK_MAGIC) || text.includes(LIGO_MAGIC) || NESTED.has(typeAt(body, 4));
}
