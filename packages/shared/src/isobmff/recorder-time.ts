import type { EpochMs } from '../time/index.js';
import type { Box } from './box.js';
import { childrenOf, findChild } from './box.js';
import { Fields } from './fields.js';

/**
 * What MediaMTX says of a segment in a box of its own, `moov/udta/mtxi`: which stream, which of its segments, and when it
 * began. Its source is `internal/recordstore/mp4_boxes.go` of that project.
 */
export interface MediaMtxSegment {
  /** 32 hex digits; the same for all segments of one uninterrupted recording. */
  readonly stream: string;
  /** Counts the segments of a stream. */
  readonly number: number;
  readonly startMs: EpochMs;
}

/** When a `moov` says that its media began. */
export interface RecorderTime {
  readonly mediaMtx: MediaMtxSegment | undefined;
  /** `creation_time` of `mvhd`, to the second; `undefined` where it is not set. */
  readonly createdMs: EpochMs | undefined;
}

/** Seconds from 1904, where ISO/IEC 14496-12 counts from, to 1970. */
const SECONDS_1904_TO_1970 = 2_082_844_800;

/** Reads what a `moov` says of its time; what is malformed says nothing. */
export function recorderTimeOf(moov: Box): RecorderTime {
  return { mediaMtx: tryRead(() => mediaMtxOf(moov)), createdMs: tryRead(() => createdOf(moov)) };
}

function mediaMtxOf(moov: Box): MediaMtxSegment | undefined {
  const udta = findChild(moov, 'udta');
  if (!udta) return undefined;
  for (const child of childrenOf(udta)) {
    if (child.type !== 'mtxi') continue;
    const fields = new Fields(child);
    fields.versionAndFlags();
    const stream = Array.from(fields.bytes(16), (byte) => byte.toString(16).padStart(2, '0')).join('');
    const view = new DataView(child.body.buffer, child.body.byteOffset, child.body.byteLength);
    // segmentNumber u64, DTS i64 in ns, NTP i64 in ns since 1970, behind version, flags and stream
    const number = Number(view.getBigUint64(20));
    const startMs = Number(view.getBigInt64(36) / 1_000_000n);
    return startMs > 0 && Number.isSafeInteger(number) ? { stream, number, startMs } : undefined;
  }
  return undefined;
}

function createdOf(moov: Box): EpochMs | undefined {
  const mvhd = findChild(moov, 'mvhd');
  if (!mvhd) return undefined;
  const fields = new Fields(mvhd);
  const { version } = fields.versionAndFlags();
  const seconds = (version === 1 ? fields.u64() : fields.u32()) - SECONDS_1904_TO_1970;
  return seconds > 0 ? seconds * 1000 : undefined;
}

/** A time is a hint: a box that cannot be read must not cost the footage. */
function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
