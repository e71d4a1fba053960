/** A box of a file in memory, found without any of the code under test. */
export interface TreeBox {
  readonly type: string;
  readonly at: number;
  /** Where its body begins. */
  readonly body: number;
  readonly end: number;
  readonly parent: TreeBox | undefined;
  /** Where children lie, for boxes that have some. */
  readonly children: readonly TreeBox[] | undefined;
}

/** Bytes of fields before the first child. */
const CONTAINERS: Readonly<Record<string, number>> = {
  ...{ moov: 0, trak: 0, mdia: 0, minf: 0, dinf: 0, stbl: 0, edts: 0, mvex: 0, moof: 0, traf: 0, mfra: 0 },
  ...{ udta: 0, meta: 4 },
};

/** All boxes side by side in `[from, to)`. */
export function treeOf(file: Buffer, from = 0, to = file.length, parent?: TreeBox): TreeBox[] {
  const boxes: TreeBox[] = [];
  for (let at = from; at + 8 <= to;) {
    const size32 = file.readUInt32BE(at);
    const size = size32 === 1 ? Number(file.readBigUInt64BE(at + 8)) : size32 === 0 ? to - at : size32;
    const type = file.toString('latin1', at + 4, at + 8);
    const box = { type, at, body: at + (size32 === 1 ? 16 : 8), end: at + size, parent };
    const fields = CONTAINERS[type];
    if (size < 8 || box.end > to) throw new Error(`${type} at ${at} does not fit`);
    const node: { -readonly [K in keyof TreeBox]: TreeBox[K] } = { ...box, children: undefined };
    if (fields !== undefined) node.children = treeOf(file, box.body + fields, box.end, node);
    boxes.push(node);
    at = box.end;
  }
  return boxes;
}

export function everyBox(boxes: readonly TreeBox[]): TreeBox[] {
  return boxes.flatMap((box) => [box, ...everyBox(box.children ?? [])]);
}

/** A box by type and content. */
export function boxOf(type: string, ...content: readonly (Uint8Array | string)[]): Buffer {
  const parts = content.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part));
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 8), Buffer.from(type, 'latin1'), body]);
}

export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value, i * 4));
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
