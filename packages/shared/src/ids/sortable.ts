import type { EpochMs } from '../time/index.js';
import type { Random } from './random.js';

/** Crockford's base 32: no I, L, O or U, so that an id read aloud is not misheard. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** A unique id that sorts by creation time: `req_01k5xj9m3q7w8r2t4v6y8z0abc` (48 bits of time, 80 of chance). */
export function newSortableId(prefix: string, nowMs: EpochMs, random: Random): string {
  let time = '';
  for (let rest = nowMs, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) time = ALPHABET[rest % 32]! + time;
  let chance = '';
  for (const byte of random.bytes(16)) chance += ALPHABET[byte % 32]!;
  return `${prefix}_${time}${chance}`;
}
