import type { Random } from '@gapless/shared/ids';
import { everyBox, boxOf, treeOf } from './box-tree.js';
import { gapsOf, padded } from './padded.js';

const WORDS = [0, 1, 7, 8, 9, 16, 0xff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff];
const TYPES = [
  'free',
  'skip',
  'wide',
  'moov',
  'mdat',
  'trak',
  'stco',
  'co64',
  'moof',
  'traf',
  'uuid',
  'meta',
];

/** A number from 0 to `below`, exclusive. */
function pick(random: Random, below: number): number {
  return Math.floor(random.fraction() * below);
}

function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[pick(random, values.length)]!;
}

/** A file with padding in some places, and its headers, tables or length damaged in one to three. */
export function damaged(original: Buffer, random: Random): Buffer {
  const gaps = gapsOf(original);
  const insertions = Array.from({ length: 1 + pick(random, 3) }, () => ({
    at: oneOf(random, gaps),
    bytes: boxOf(oneOf(random, ['free', 'skip']), new Uint8Array(pick(random, 500))),
  }));
  let file = padded(original, insertions);
  const places = placesOf(file);
  for (let left = 1 + pick(random, 3); left > 0; left--) file = damage(file, places, random);
  return file;
}

/** Bytes that are no samples; damaged samples are copied like any others. */
function placesOf(file: Buffer): number[] {
  const leaves = everyBox(treeOf(file)).filter(({ children, type }) => !children && type !== 'free');
  return leaves.flatMap(({ type, at, body, end }) =>
    Array.from({ length: (type === 'mdat' ? body : end) - at }, (_, i) => at + i),
  );
}

function damage(file: Buffer, places: readonly number[], random: Random): Buffer {
  const out = Buffer.from(file);
  const at = Math.min(oneOf(random, places), out.length - 8);
  const aligned = Math.max(0, at - (at % 4));
  switch (pick(random, 8)) {
    case 0:
      out[at] = pick(random, 256);
      break;
    case 1:
      out[at] = out[at]! ^ (1 << pick(random, 8));
      break;
    case 2:
      out.writeUInt32BE(oneOf(random, WORDS), at);
      break;
    case 3:
      out.writeUInt32BE(pick(random, out.length), at);
      break;
    case 4:
      out.write(oneOf(random, TYPES), at, 'latin1');
      break;
    case 5:
      out.writeUInt32BE((out.readUInt32BE(aligned) + 1 + pick(random, 16)) >>> 0, aligned);
      break;
    case 6:
      return out.subarray(0, Math.max(16, pick(random, out.length)));
    default: {
      const boxes = everyBox(treeOfOrNone(file));
      if (boxes.length === 0) return out;
      const box = oneOf(random, boxes);
      // A size or a type that is not the box's own.
      if (random.fraction() < 0.5) out.writeUInt32BE(pick(random, 2 * (box.end - box.at)), box.at);
      else out.write(oneOf(random, TYPES), box.at + 4, 'latin1');
    }
  }
  return out;
}

function treeOfOrNone(file: Buffer) {
  try {
    return treeOf(file);
  } catch {
    return []; // damaged already
  }
}
