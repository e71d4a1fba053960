import type { TreeBox } from './box-tree.js';
import { boxOf, treeOf, u32, u64 } from './box-tree.js';

/** How a box is written anew; `undefined` leaves it as it is. */
export type Rewrite = (box: TreeBox, file: Buffer) => Buffer | undefined;

/** A file with some of its boxes written differently and the sizes of those around them made right; offsets are not. */
export function rebuilt(file: Buffer, rewrite: Rewrite): Buffer {
  const write = (box: TreeBox): Buffer => {
    const other = rewrite(box, file);
    if (other) return other;
    if (!box.children) return file.subarray(box.at, box.end);
    const first = box.children[0]?.at ?? box.end;
    return boxOf(box.type, file.subarray(box.body, first), ...box.children.map(write));
  };
  return Buffer.concat(treeOf(file).map(write));
}

/** The same with further boxes at the end of the first box of a type. */
export function withAppended(file: Buffer, type: string, ...more: readonly Buffer[]): Buffer {
  return rebuilt(file, (box) =>
    box.type === type && !appendedTo(box)
      ? boxOf(type, file.subarray(box.body, box.end), ...more)
      : undefined,
  );
}

function appendedTo({ parent }: TreeBox): boolean {
  return parent?.type === 'traf';
}

/** `stco` as `co64`, every offset `shift` further on. */
export function withWideOffsets(file: Buffer, shift: number): Buffer {
  return rebuilt(file, ({ type, body, end }) => {
    if (type !== 'stco') return undefined;
    const offsets: Buffer[] = [];
    for (let at = body + 8; at < end; at += 4) offsets.push(u64(file.readUInt32BE(at) + shift));
    return boxOf('co64', u32(0, offsets.length), ...offsets);
  });
}
