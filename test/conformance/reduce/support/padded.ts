import type { TreeBox } from './box-tree.js';
import { everyBox, treeOf } from './box-tree.js';

/** Bytes to be put in front of the byte at `at`. */
export interface Insertion {
  readonly at: number;
  readonly bytes: Buffer;
}

/** Every place between boxes where padding may stand, innermost containers included; not in front of the first box. */
export function gapsOf(file: Buffer): number[] {
  const boxes = treeOf(file);
  const ends = everyBox(boxes).map(({ end }) => end);
  const starts = everyBox(boxes).flatMap(({ children }) => (children?.[0] ? [children[0].at] : []));
  return [...new Set([...starts, ...ends])].sort((a, b) => a - b);
}

/**
 * A file with padding put into it, and with every offset in it made right again: what a recorder would have written that left
 * room there. Written from the standard, to check what takes padding out.
 */
export function padded(file: Buffer, insertions: readonly Insertion[]): Buffer {
  const moved = (offset: number): number =>
    insertions.reduce((sum, { at, bytes }) => sum + (at <= offset ? bytes.length : 0), offset);
  const out = Buffer.alloc(moved(file.length));
  const cuts = [0, ...insertions.map(({ at }) => at).sort((a, b) => a - b), file.length];
  cuts.slice(1).forEach((cut, i) => file.copy(out, moved(cuts[i]!), cuts[i], cut));
  let last = { at: -1, end: 0 };
  for (const { at, bytes } of [...insertions].sort((a, b) => a.at - b.at)) {
    // Those at one place stand one after the other, in front of the byte there.
    const all = insertions.reduce((sum, each) => sum + (each.at === at ? each.bytes.length : 0), 0);
    const start = last.at === at ? last.end : moved(at) - all;
    bytes.copy(out, start);
    last = { at, end: start + bytes.length };
  }
  for (const box of everyBox(treeOf(file))) repair({ file, out, moved, insertions, box });
  return out;
}

interface Repair {
  readonly file: Buffer;
  readonly out: Buffer;
  readonly moved: (offset: number) => number;
  readonly insertions: readonly Insertion[];
  readonly box: TreeBox;
}

function repair(job: Repair): void {
  const { box, file, out, moved } = job;
  const { at, body, end } = box;
  if (box.children) setSize(out, moved(at), newSize(job, box));
  const absolute = (field: number, wide: boolean): void => {
    if (wide)
      out.writeBigUInt64BE(BigInt(moved(Number(file.readBigUInt64BE(field)))), moved(at) + field - at);
    else out.writeUInt32BE(moved(file.readUInt32BE(field)), moved(at) + field - at);
  };
  if (box.type === 'stco')
    for (let i = 0; i < file.readUInt32BE(body + 4); i++) absolute(body + 8 + 4 * i, false);
  if (box.type === 'co64')
    for (let i = 0; i < file.readUInt32BE(body + 4); i++) absolute(body + 8 + 8 * i, true);
  if (box.type === 'saio' && box.parent?.type === 'stbl')
    absolute(body + (file[body + 3]! & 1 ? 16 : 8), false);
  if (box.type === 'gps ')
    for (let entry = body + 8; entry < end; entry += 8)
      if (file.readUInt32BE(entry) > 0) absolute(entry, false);
  if (box.type === 'mfro') out.writeUInt32BE(newSize(job, box.parent!), moved(at) + 12);
  if (box.type === 'tfra') {
    const wide = file[body] === 1;
    const widths = file.readUInt32BE(body + 8);
    const step = (wide ? 16 : 8) + 3 + ((widths >> 4) & 3) + ((widths >> 2) & 3) + (widths & 3);
    for (let i = 0; i < file.readUInt32BE(body + 12); i++)
      absolute(body + 16 + i * step + (wide ? 8 : 4), wide);
  }
  if (box.type === 'sidx') repairIndex(job);
  if (box.type === 'traf') repairTrackFragment(job);
}

function repairIndex({ file, out, moved, box }: Repair): void {
  const wide = file[box.body] === 1;
  const firstAt = box.body + 12 + (wide ? 8 : 4);
  const first = wide ? Number(file.readBigUInt64BE(firstAt)) : file.readUInt32BE(firstAt);
  const place = (field: number): number => moved(box.at) + field - box.at;
  const newEnd = place(box.end);
  let from = box.end + first;
  if (wide) out.writeBigUInt64BE(BigInt(moved(from) - newEnd), place(firstAt));
  else out.writeUInt32BE(moved(from) - newEnd, place(firstAt));
  const countAt = firstAt + (wide ? 8 : 4) + 2;
  for (let i = 0; i < file.readUInt16BE(countAt); i++) {
    const entry = countAt + 2 + 12 * i;
    const to = from + file.readUInt32BE(entry);
    out.writeUInt32BE(moved(to) - moved(from), place(entry));
    from = to;
  }
}

function repairTrackFragment({ file, out, moved, box }: Repair): void {
  const moof = box.parent!;
  const tfhd = box.children!.find(({ type }) => type === 'tfhd')!;
  const hasBase = (file[tfhd.body + 3]! & 1) === 1;
  const base = hasBase ? Number(file.readBigUInt64BE(tfhd.body + 8)) : moof.at;
  if (hasBase) out.writeBigUInt64BE(BigInt(moved(base)), moved(tfhd.at) + 16);
  for (const child of box.children!) {
    const shifted = (offset: number): number => moved(base + offset) - moved(base);
    if (child.type === 'trun')
      out.writeInt32BE(shifted(file.readInt32BE(child.body + 8)), moved(child.at) + 16);
    const saioAt = child.type === 'saio' ? child.body + (file[child.body + 3]! & 1 ? 16 : 8) : undefined;
    if (saioAt !== undefined)
      out.writeUInt32BE(shifted(file.readUInt32BE(saioAt)), moved(child.at) + saioAt - child.at);
  }
}

/** A place between two boxes belongs to the innermost box that goes on there; at the end of several, to the outermost. */
function newSize({ insertions }: Repair, box: TreeBox): number {
  const first = box.children?.[0]?.at ?? box.end;
  return insertions.reduce(
    (sum, { at, bytes }) => sum + (at >= first && at < box.end ? bytes.length : 0),
    box.end - box.at,
  );
}

function setSize(out: Buffer, at: number, size: number): void {
  if (out.readUInt32BE(at) === 1) out.writeBigUInt64BE(BigInt(size), at + 8);
  else out.writeUInt32BE(size, at);
}
