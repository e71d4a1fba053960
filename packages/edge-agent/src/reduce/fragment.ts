import type { Box } from '@gapless/shared/isobmff';
import { childrenOf, Fields, mp4Invalid, requireChild } from '@gapless/shared/isobmff';
import type { Base } from './auxiliary.js';
import { relocateAuxiliary } from './auxiliary.js';
import type { Move } from './move.js';
import { bodyOffset } from './move.js';

/** Sample sizes that a movie sets for fragments that give none, by track. */
export type DefaultSizes = ReadonlyMap<number, number>;

const enum TrackFlag {
  BaseDataOffset = 0x1,
  DescriptionIndex = 0x2,
  DefaultDuration = 0x8,
  DefaultSize = 0x10,
  BaseIsMoof = 0x20000,
}

const enum RunFlag {
  DataOffset = 0x1,
  FirstFlags = 0x4,
  Duration = 0x100,
  Size = 0x200,
  Flags = 0x400,
  Composition = 0x800,
}

/** Reads the sizes that `mvex` sets (section 8.8.3). */
export function readDefaultSizes(mvex: Box): DefaultSizes {
  const sizes = new Map<number, number>();
  for (const trex of childrenOf(mvex)) {
    if (trex.type !== 'trex') continue;
    const fields = new Fields(trex);
    fields.versionAndFlags();
    const track = fields.u32();
    fields.skip(8); // sample description, duration
    sizes.set(track, fields.u32());
  }
  return sizes;
}

/**
 * Moves the runs of samples of a fragment, whatever their offsets count from: the file, the `moof`, or the data before them
 * (sections 8.8.7 and 8.8.8).
 *
 * @throws MP4_INVALID for a run that does not lie in one `mdat`
 */
export function relocateFragment(move: Move, moof: Box, defaults: DefaultSizes): void {
  const start: Base = { from: moof.at, to: move.boundary(moof, moof.at) };
  let implicit = start;
  for (const traf of childrenOf(moof)) {
    if (traf.type !== 'traf') continue;
    const { base, defaultBytes } = relocateHeader(move, requireChild(traf, 'tfhd'), {
      start,
      implicit,
      defaults,
    });
    let next = base;
    for (const trun of childrenOf(traf))
      if (trun.type === 'trun') next = relocateRun(move, trun, { base, next, defaultBytes });
    const auxiliary = [...childrenOf(traf)].filter(({ type }) => type === 'saio' || type === 'saiz');
    relocateAuxiliary(move, auxiliary, base);
    implicit = next;
  }
}

interface Bases {
  readonly start: Base;
  /** Where the data of the track before ended. */
  readonly implicit: Base;
  readonly defaults: DefaultSizes;
}

function relocateHeader(
  move: Move,
  tfhd: Box,
  bases: Bases,
): { base: Base; defaultBytes: number | undefined } {
  const fields = new Fields(tfhd);
  const { flags } = fields.versionAndFlags();
  const track = fields.u32();
  let base = flags & TrackFlag.BaseIsMoof ? bases.start : bases.implicit;
  if (flags & TrackFlag.BaseDataOffset) {
    const at = bodyOffset(tfhd) + fields.position;
    const from = fields.u64();
    base = { from, to: move.boundary(tfhd, from) };
    move.number(tfhd, at, { ...base, width: 8 });
  }
  if (flags & TrackFlag.DescriptionIndex) fields.skip(4);
  if (flags & TrackFlag.DefaultDuration) fields.skip(4);
  const defaultBytes = flags & TrackFlag.DefaultSize ? fields.u32() : bases.defaults.get(track);
  return { base, defaultBytes };
}

interface RunContext {
  readonly base: Base;
  /** Where the run before it ended. */
  readonly next: Base;
  readonly defaultBytes: number | undefined;
}

/** Returns where the run ends. */
function relocateRun(move: Move, trun: Box, { base, next, defaultBytes }: RunContext): Base {
  const fields = new Fields(trun);
  const { flags } = fields.versionAndFlags();
  const samples = fields.u32();
  const offsetAt = bodyOffset(trun) + fields.position;
  const offset = flags & RunFlag.DataOffset ? fields.i32() : undefined;
  if (flags & RunFlag.FirstFlags) fields.skip(4);
  const bytes = runBytes(trun, fields, { flags, samples, defaultBytes });
  const from = offset === undefined ? next.from : base.from + offset;
  const to = move.media(trun, from, bytes);
  if (offset !== undefined) moveOffset(move, trun, { at: offsetAt, from: offset, to: to - base.to });
  else if (to !== next.to && bytes > 0)
    throw mp4Invalid('trun', trun.at, 'follows upon the run before it, with padding between them');
  return { from: from + bytes, to: to + bytes };
}

interface Run {
  readonly flags: number;
  readonly samples: number;
  readonly defaultBytes: number | undefined;
}

function runBytes(trun: Box, fields: Fields, { flags, samples, defaultBytes }: Run): number {
  if ((flags & RunFlag.Size) === 0) {
    if (defaultBytes === undefined && samples > 0)
      throw mp4Invalid('trun', trun.at, 'has samples of which nothing says how long they are');
    return samples * (defaultBytes ?? 0);
  }
  const before = flags & RunFlag.Duration ? 4 : 0;
  const after = (flags & RunFlag.Flags ? 4 : 0) + (flags & RunFlag.Composition ? 4 : 0);
  let bytes = 0;
  for (let i = 0; i < samples; i++) {
    fields.skip(before);
    bytes += fields.u32();
    fields.skip(after);
  }
  return bytes;
}

/** The one offset that has a sign: a fragment may point back. */
function moveOffset(move: Move, trun: Box, change: { at: number; from: number; to: number }): void {
  const { at, from, to } = change;
  if (Math.abs(to) > 0x7fffffff) throw mp4Invalid('trun', trun.at, `would point ${to} bytes away`);
  const unsigned = (value: number): number => value >>> 0;
  move.number(trun, at, { from: unsigned(from), to: unsigned(to), width: 4 });
}
