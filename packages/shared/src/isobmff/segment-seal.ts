import type { EpochMs } from '../time/index.js';
import { MAX_EPOCH_MS, MIN_EPOCH_MS } from '../time/index.js';
import type { Box } from './box.js';
import { mp4Unsupported } from './mp4-error.js';
import type { SegmentIdentity } from './segment-identity.js';
import type { UuidBoxType } from './uuid-box.js';
import { isUuidBox, readUuidBox, writeUuidBox } from './uuid-box.js';

/** What closes a segment file, in a `uuid` box at its very end: proof of its content and its place in the chain. */
export interface SegmentSeal {
  /** Version of what is hashed and signed. */
  readonly v: 1;
  readonly endMs: EpochMs;
  /** How many fragments the segment has. */
  readonly fragments: number;
  /** SHA-256 in hex from the seal of the lens's segment before this one; `undefined` for a lens's first. */
  readonly previous?: string | undefined;
  /** SHA-256 in hex of all bytes of the file before the seal box. */
  readonly sha256: string;
  /** Names the evidence key that signed; there exactly when `signature` is. */
  readonly key?: string | undefined;
  /** Ed25519 signature in hex over {@link sealedBytes}. */
  readonly signature?: string | undefined;
}

const SEAL: UuidBoxType = {
  name: 'segment seal',
  userType: 'e32e8b0a25ad4ca4b39d4d3463319e55',
  version: 1,
};

const SHA256_HEX = /^[0-9a-f]{64}$/;
const SIGNATURE_HEX = /^[0-9a-f]{128}$/;
const KEY_NAME = /^[A-Za-z0-9_-]{1,128}$/;

export function isSealBox(box: Pick<Box, 'userType'>): boolean {
  return isUuidBox(box, SEAL);
}

/** The box that says `seal`; the same seal always gives the same bytes. */
export function sealBox(seal: SegmentSeal): Uint8Array {
  // JSON leaves out members that are undefined.
  return writeUuidBox(SEAL, {
    v: seal.v,
    endMs: seal.endMs,
    fragments: seal.fragments,
    previous: seal.previous,
    sha256: seal.sha256,
    key: seal.key,
    signature: seal.signature,
  });
}

/**
 * Reads a seal box. Whether hash and signature are right is for the caller to check.
 *
 * @throws MP4_INVALID for a member that is missing or malformed, MP4_UNSUPPORTED for another version
 */
export function parseSealBox(box: Box): SegmentSeal {
  const fields = readUuidBox(SEAL, box);
  const v = fields.integer('v', 1, 2 ** 31);
  if (v !== 1) throw mp4Unsupported(SEAL.name, box.at, `states version ${v}; this program knows version 1`);
  const endMs = fields.integer('endMs', MIN_EPOCH_MS, MAX_EPOCH_MS);
  const fragments = fields.integer('fragments', 0, 2 ** 32 - 1);
  const previous = fields.optionalText('previous', SHA256_HEX);
  const sha256 = fields.text('sha256', SHA256_HEX);
  const key = fields.optionalText('key', KEY_NAME);
  // A signature without its key, or a key without its signature, proves nothing and is a fault of the writer.
  const signature = key === undefined ? undefined : fields.text('signature', SIGNATURE_HEX);
  return { v, endMs, fragments, previous, sha256, key, signature };
}

/**
 * The bytes that an evidence key signs: UTF-8 text of ten lines, each ended by a line feed. It repeats who the segment
 * is, so that the statement stands for itself in a manifest, without the file:
 *
 * ```
 * gapless-segment-seal 1      name and version of this text
 * bus-042/front               vehicle/lens
 * 20260822T165728123Z-3fa9c1  run
 * 12                          seq
 * 145                         number of the first fragment
 * 10                          count of fragments
 * 1787417858123               endMs
 * 5f0c…                       SHA-256 of the bytes before the seal box, which cover the identity box
 * 77ab…                       SHA-256 of the previous segment, or - for none
 * ev-1                        key, or - for none
 * ```
 */
export function sealedBytes(
  identity: Pick<SegmentIdentity, 'vehicle' | 'lens' | 'run' | 'seq' | 'firstFragment'>,
  seal: Omit<SegmentSeal, 'signature'>,
): Uint8Array {
  const lines = [
    `gapless-segment-seal ${seal.v}`,
    `${identity.vehicle}/${identity.lens}`,
    identity.run,
    identity.seq,
    identity.firstFragment,
    seal.fragments,
    seal.endMs,
    seal.sha256,
    seal.previous ?? '-',
    seal.key ?? '-',
  ];
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
}
