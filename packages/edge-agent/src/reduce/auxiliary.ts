import type { Box } from '@gapless/shared/isobmff';
import { Fields, mp4Invalid, mp4Unsupported } from '@gapless/shared/isobmff';
import type { Move } from './move.js';
import { bodyOffset } from './move.js';

/** What offsets count from, before and after. */
export interface Base {
  readonly from: number;
  readonly to: number;
}

/** Common encryption, in which the information is keys' vectors and lengths (ISO/IEC 23001-7 section 7). */
const KNOWN_TYPES = new Set(['', 'cenc', 'cens', 'cbc1', 'cbcs']);

/**
 * Moves what `saio` points at, sample auxiliary information (ISO/IEC 14496-12 sections 8.7.8 and 8.7.9).
 *
 * @param boxes the `saio` and `saiz` of one track or track fragment
 * @throws MP4_UNSUPPORTED for a kind that may itself hold offsets, MP4_INVALID for one that would not stay whole
 */
export function relocateAuxiliary(move: Move, boxes: readonly Box[], base: Base): void {
  const totals = new Map<string, number>();
  for (const saiz of boxes) if (saiz.type === 'saiz') addSizes(saiz, totals);
  for (const saio of boxes) if (saio.type === 'saio') relocate(move, saio, { base, totals });
}

function addSizes(saiz: Box, totals: Map<string, number>): void {
  const fields = new Fields(saiz);
  const kind = kindOf(fields);
  const sameBytes = fields.u8();
  const count = fields.u32();
  let bytes = sameBytes * count;
  if (sameBytes === 0) for (const size of fields.bytes(count)) bytes += size;
  totals.set(kind, (totals.get(kind) ?? 0) + bytes);
}

function relocate(move: Move, saio: Box, known: { base: Base; totals: Map<string, number> }): void {
  const { base, totals } = known;
  const fields = new Fields(saio);
  const { version } = new Fields(saio).versionAndFlags();
  const kind = kindOf(fields);
  if (!KNOWN_TYPES.has(kind.slice(0, 4).trim()))
    throw mp4Unsupported('saio', saio.at, 'is of a kind that may hold offsets itself');
  const total = totals.get(kind);
  if (total === undefined) throw mp4Invalid('saio', saio.at, 'has no saiz that says how long its data are');
  const width = version === 0 ? 4 : 8;
  for (let left = fields.u32(); left > 0; left--) {
    const at = bodyOffset(saio) + fields.position;
    const offset = version === 0 ? fields.u32() : fields.u64();
    // With several entries each one has a part of the total, so the proof asks for more than it must.
    const to = move.data(saio, base.from + offset, total) - base.to;
    move.number(saio, at, { from: offset, to, width });
  }
}

/** The type of the information with its parameter; one that is not given is that of the track's scheme. */
function kindOf(fields: Fields): string {
  const { flags } = fields.versionAndFlags();
  return flags & 1 ? Buffer.from(fields.bytes(8)).toString('latin1') : '';
}
