import type { Random } from '@gapless/shared/ids';

/** Values at which sizes, counts and offsets break. */
const WORDS = [0, 1, 7, 8, 9, 0xff, 0x10000, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff];

/** Characters that mean something in texts. */
const MARKS = Buffer.from('\0\n"\'\\{}[]:,./%-+0919eE#&*!|> é\u{1f697}');

const MAX_CHANGES = 6;

/** A damaged copy of `original`: one to six changes of its bits, numbers, pieces or length. */
export function mutated(original: Uint8Array, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (let left = 1 + below(random, MAX_CHANGES); left > 0; left--) bytes = changed(bytes, random);
  return bytes;
}

function below(random: Random, limit: number): number {
  return Math.floor(random.fraction() * limit);
}

function changed(bytes: Buffer, random: Random): Buffer {
  const at = below(random, bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + below(random, 64));
  const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  switch (below(random, 9)) {
    case 0: // one bit
      return Buffer.concat([before, flipped(piece, random), after]);
    case 1: // a 32-bit number, where boxes have theirs
      return withWord(bytes, at - (at % 4), WORDS[below(random, WORDS.length)]!);
    case 2: // a number that is nearly right
      return withWord(bytes, at, (wordAt(bytes, at) + below(random, 9) - 4) >>> 0);
    case 3: // cut off
      return before;
    case 4: // a piece is missing
      return Buffer.concat([before, after]);
    case 5: // a piece is there twice
      return Buffer.concat([before, piece, piece, after]);
    case 6: // something foreign
      return Buffer.concat([before, random.bytes(below(random, 32)), after]);
    case 7: // a character that means something
      return Buffer.concat([before, MARKS.subarray(below(random, MARKS.length)).subarray(0, 1), after]);
    default: // a piece stands elsewhere
      return Buffer.concat([after, piece, before]);
  }
}

function flipped(piece: Buffer, random: Random): Buffer {
  const out = Buffer.from(piece);
  if (out.length > 0) out[0] = out[0]! ^ (1 << below(random, 8));
  return out;
}

function wordAt(bytes: Buffer, at: number): number {
  return at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0;
}

function withWord(bytes: Buffer, at: number, value: number): Buffer {
  const out = Buffer.from(bytes);
  if (at + 4 <= out.length) out.writeUInt32BE(value, at);
  return out;
}
