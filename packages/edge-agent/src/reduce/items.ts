import type { Box } from '@gapless/shared/isobmff';
import { Fields, mp4Invalid, mp4Unsupported } from '@gapless/shared/isobmff';
import type { Move } from './move.js';
import { bodyOffset } from './move.js';

/** A number in a box: what it is and where it stands. */
interface Slot {
  readonly value: number;
  readonly at: number;
  readonly width: number;
}

/** How wide the numbers of an `iloc` are, in bytes; 0 for one that is left out. */
interface Widths {
  readonly offset: number;
  readonly length: number;
  readonly base: number;
  readonly index: number;
}

const IN_FILE = 0;

/**
 * Moves the items of a `meta` box, such as still pictures (section 8.11.3). An item in `idat` or in another item moves with it.
 *
 * @throws MP4_UNSUPPORTED for an item in another file or one that is as long as the file
 */
export function relocateItems(move: Move, iloc: Box): void {
  const fields = new Fields(iloc);
  const { version } = fields.versionAndFlags();
  if (version > 2) throw mp4Unsupported('iloc', iloc.at, `has version ${version}`);
  const [first, second] = [fields.u8(), fields.u8()];
  const widths = {
    offset: first >> 4,
    length: first & 15,
    base: second >> 4,
    index: version > 0 ? second & 15 : 0,
  };
  if (Object.values(widths).some((width) => ![0, 4, 8].includes(width)))
    throw mp4Invalid('iloc', iloc.at, 'has numbers of a width that there is not');
  for (let left = version < 2 ? fields.u16() : fields.u32(); left > 0; left--) {
    fields.skip(version < 2 ? 2 : 4); // id
    const method = version > 0 ? fields.u16() & 15 : IN_FILE;
    const otherFile = fields.u16() !== 0;
    const item = readItem(iloc, fields, widths);
    if (method !== IN_FILE) continue;
    if (otherFile) throw mp4Unsupported('iloc', iloc.at, 'has an item in another file');
    relocateItem(move, iloc, item);
  }
}

interface Item {
  readonly base: Slot;
  readonly extents: readonly { readonly offset: Slot; readonly length: Slot }[];
}

function readItem(iloc: Box, fields: Fields, widths: Widths): Item {
  const slot = (width: number): Slot => ({
    at: bodyOffset(iloc) + fields.position,
    value: width === 8 ? fields.u64() : width === 4 ? fields.u32() : 0,
    width,
  });
  const base = slot(widths.base);
  const extents = Array.from({ length: fields.u16() }, () => {
    fields.skip(widths.index);
    return { offset: slot(widths.offset), length: slot(widths.length) };
  });
  return { base, extents };
}

function relocateItem(move: Move, iloc: Box, { base, extents }: Item): void {
  const shifts = extents.map(({ offset, length }) => {
    const from = base.value + offset.value;
    if (length.value === 0) throw mp4Unsupported('iloc', iloc.at, 'has an item that is as long as the file');
    return from - move.media(iloc, from, length.value);
  });
  const [shift = 0] = shifts;
  const together = shifts.every((each) => each === shift);
  // One base for all extents moves them all; but it may be 0, or there may be padding between them.
  if (together && base.width > 0 && base.value >= shift)
    move.number(iloc, base.at, { from: base.value, to: base.value - shift, width: base.width });
  else
    extents.forEach(({ offset: { value, at, width } }, i) =>
      move.number(iloc, at, { from: value, to: value - shifts[i]!, width }),
    );
}
