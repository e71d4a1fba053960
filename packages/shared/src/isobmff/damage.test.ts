import { strict as assert } from 'node:assert';
import { beforeAll, describe, expect, it } from 'vitest';
import type { MadeSegment } from '../../../../fixtures/media/index.js';
import { cutSegments, recorded } from '../../../../fixtures/media/index.js';
import { AppError } from '../errors/index.js';
import { u32At } from './box.js';
import { ascii, u32 } from './box-writer.js';
import { memorySource } from './byte-source.js';
import { coverageOf } from './coverage.js';
import { FragmentSplitter } from './fragment-splitter.js';
import { fragmentSummary } from './fragment-summary.js';
import { parseInitSegment } from './init-segment.js';
import { parseFragment } from './movie-fragment.js';
import { samplesOf } from './sample-table.js';
import type { SegmentSamples } from './segment-samples.js';
import { readSegmentSamples } from './segment-samples.js';

/** A box in a file that is about to be broken. */
interface Node {
  type: string;
  /** Fields in front of the children; the whole content of a box without any. */
  fields: Uint8Array;
  children: Node[];
  /** What the header says instead of the truth. */
  size?: number;
}

/** How many bytes of fields stand before the children, for the boxes that have some. */
const CONTAINERS: Readonly<Record<string, number>> = {
  ...{ moov: 0, trak: 0, edts: 0, mdia: 0, minf: 0, dinf: 0, stbl: 0, mvex: 0, moof: 0, traf: 0 },
  ...{ stsd: 8, avc1: 78, mp4a: 28 },
};

function treeOf(bytes: Uint8Array): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = u32At(bytes, at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + size);
    const skip = CONTAINERS[type];
    const children = skip === undefined ? [] : treeOf(body.subarray(skip));
    nodes.push({ type, fields: body.subarray(0, skip ?? body.length).slice(), children });
    at += size;
  }
  return nodes;
}

function bytesOf(nodes: readonly Node[]): Buffer {
  return Buffer.concat(
    nodes.flatMap(({ type, fields, children, size }) => {
      const body = Buffer.concat([fields, bytesOf(children)]);
      return [u32(size ?? body.length + 8), ascii(type), body];
    }),
  );
}

function everyNode(nodes: readonly Node[]): Node[] {
  return nodes.flatMap((node) => [node, ...everyNode(node.children)]);
}

/** Runs `parse`; an error of ours about the container is an answer like any other, everything else is a fault. */
function answer<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (thrown) {
    requireOurs(thrown);
    return undefined;
  }
}

function requireOurs(thrown: unknown): void {
  if (thrown instanceof AppError && thrown.code.startsWith('MP4_')) return;
  throw thrown;
}

/** Reads a file with every reader there is, and checks what must hold whatever the file says. */
async function readEveryWay(bytes: Uint8Array): Promise<void> {
  const limits = { maxInitBytes: 2 ** 16, maxFragmentBytes: 2 ** 18 };
  const splitter = new FragmentSplitter(limits);
  answer(() => {
    let init: ReturnType<typeof parseInitSegment> | undefined;
    for (const piece of splitter.push(bytes)) {
      if (piece.kind === 'init') init = answer(() => parseInitSegment(piece.bytes));
      else if (init) {
        const known = init;
        answer(() => fragmentSummary(piece.bytes, known));
        for (const part of answer(() => parseFragment(piece.bytes, known))?.tracks ?? []) {
          const { count, offset, sizeBytes } = samplesOf(part);
          assert.equal(count, part.sampleCount);
          if (count > 0) assert.ok(offset[count - 1]! + sizeBytes[count - 1]! <= piece.bytes.length);
        }
      }
    }
  });
  assert.ok(splitter.pendingBytes <= bytes.length);
  const found = await readSegmentSamples(memorySource(bytes)).catch(requireOurs);
  if (found) checkFound(found, bytes.length);
}

function checkFound({ layout, tables }: SegmentSamples, sizeBytes: number): void {
  let end = layout.headLength;
  for (const fragment of layout.fragments) {
    assert.ok(fragment.offset >= end);
    end = fragment.offset + fragment.sizeBytes;
  }
  assert.equal(layout.wholeLength, end);
  assert.ok(end <= sizeBytes);
  for (const table of tables) {
    const last = table.count - 1;
    if (last >= 0) assert.ok(table.offset[last]! + table.sizeBytes[last]! <= end);
    if (last < 1000) coverageOf(table, { toMs: (ticks) => Math.round(ticks / 10) });
  }
}

const SIZES = [0, 1, 2, 7, 8, 9, 15, 16, 0x7fffffff, 0x80000000, 0xffffffff];
const WORDS = [0, 1, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

describe('a damaged segment file', () => {
  let segment: MadeSegment;
  beforeAll(async () => {
    segment = cutSegments(await recorded('tiny'), { fragmentsEach: 2 })[0]!;
    await readEveryWay(segment.bytes);
  });

  it('is read or refused wherever it is cut', async () => {
    for (let cut = 0; cut < segment.bytes.length; cut++) await readEveryWay(segment.bytes.subarray(0, cut));
  });

  it('is read or refused whatever size any of its boxes claims', async () => {
    const tree = treeOf(segment.bytes);
    expect(bytesOf(tree).equals(segment.bytes)).toBe(true);
    for (const node of everyNode(tree)) {
      const trueSize = bytesOf([node]).length;
      for (const size of [...SIZES, trueSize - 1, trueSize + 1, trueSize + 8]) {
        node.size = size;
        await readEveryWay(bytesOf(tree));
      }
      delete node.size;
    }
  });

  it('is read or refused whatever any 32-bit field says', async () => {
    const tree = treeOf(segment.bytes);
    for (const node of everyNode(tree)) {
      if (node.type === 'mdat') continue;
      const { fields } = node;
      const kept = fields.slice();
      for (let at = 0; at + 4 <= Math.min(fields.length, 64); at += 2) {
        for (const word of WORDS) {
          fields.set(u32(word), at);
          await readEveryWay(bytesOf(tree));
        }
        fields.set(kept);
      }
    }
  });

  it('is read or refused with any box missing, doubled, emptied or renamed', async () => {
    const original = bytesOf(treeOf(segment.bytes));
    const count = everyNode(treeOf(original)).length;
    for (let which = 0; which < count; which++) {
      for (const change of [remove, double, empty, rename]) {
        const tree = treeOf(original);
        change(tree, everyNode(tree)[which]!);
        await readEveryWay(bytesOf(tree));
      }
    }
  });

  it(
    'is read or refused after twenty thousand random changes of its structure',
    { timeout: 30_000 },
    async () => {
      const random = seeded(20_260_822);
      const tree = treeOf(segment.bytes);
      const original = bytesOf(tree);
      const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
      for (let run = 0; run < 20_000; run++) {
        const broken = random() < 0.5 ? treeOf(original) : undefined;
        if (broken) {
          const nodes = everyNode(broken);
          if (random() < 0.5) pick([remove, double, empty, rename])(broken, pick(nodes));
          if (random() < 0.5) pick(nodes).size = pick(SIZES);
        }
        const bytes = broken ? bytesOf(broken) : Buffer.from(original);
        for (let flips = Math.floor(random() * 4); flips > 0; flips--) {
          const at = Math.floor(random() * Math.max(0, bytes.length - 4));
          if (random() < 0.5) bytes[at] = Math.floor(random() * 256);
          else if (at + 4 <= bytes.length) bytes.set(u32(pick(WORDS)), at);
        }
        await readEveryWay(random() < 0.1 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes);
      }
    },
  );
});

function siblingsOf(tree: Node[], node: Node): Node[] {
  return [tree, ...everyNode(tree).map(({ children }) => children)].find((list) => list.includes(node))!;
}

function remove(tree: Node[], node: Node): void {
  const siblings = siblingsOf(tree, node);
  siblings.splice(siblings.indexOf(node), 1);
}

function double(tree: Node[], node: Node): void {
  const siblings = siblingsOf(tree, node);
  siblings.splice(siblings.indexOf(node), 0, node);
}

function empty(_tree: Node[], node: Node): void {
  node.fields = new Uint8Array(0);
  node.children = [];
}

function rename(_tree: Node[], node: Node): void {
  node.type = 'what';
}

/** A small generator of pseudo-random fractions (mulberry32), so that every run of the test is the same. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
