import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { Extent } from '@gapless/shared/extents';
import { ExtentList, ExtentSource } from '@gapless/shared/extents';
import type { SegmentIdentity } from '@gapless/shared/isobmff';
import { identityBox, sealBox, sealedBytes } from '@gapless/shared/isobmff';
import type { SegmentRecord } from '../index/rows.js';
import { readSegmentFile, segmentRecordOf } from '../index/segment-file.js';
import type { SourceFile } from '../index/wrapper.js';
import { encodeWrapper } from '../index/wrapper.js';
import type { Stretch } from './media-stretches.js';

/** Signs a sealed segment. */
export interface EvidenceKey {
  readonly id: string;
  sign(bytes: Uint8Array): Uint8Array;
}

/** A segment put together from another recorder's media, complete and sealed. */
export interface WrappedSegment {
  readonly record: SegmentRecord;
  readonly wrapper: Uint8Array;
}

/** A segment as it grows: own bytes in memory, and where in the other recorder's file the media lie. */
export class SegmentDraft {
  readonly identity: SegmentIdentity;
  /** Decode time of its first picture. */
  readonly startTicks: number;
  readonly #source: SourceFile;
  readonly #extents: Extent[] = [];
  readonly #hash: Hash = createHash('sha256');
  #fragments = 0;

  constructor(source: SourceFile, init: Uint8Array, plan: { identity: SegmentIdentity; startTicks: number }) {
    this.#source = source;
    this.identity = plan.identity;
    this.startTicks = plan.startTicks;
    this.#own(init);
    this.#own(identityBox(plan.identity));
  }

  get fragments(): number {
    return this.#fragments;
  }

  /**
   * Appends a fragment.
   *
   * @param bytes the whole of it: `headerBytes` of its own, then the media that lie at `media`
   */
  append(bytes: Uint8Array, headerBytes: number, media: readonly Stretch[]): void {
    this.#own(bytes.slice(0, headerBytes));
    this.#hash.update(bytes.subarray(headerBytes));
    for (const { offset, length } of media)
      this.#extents.push({ kind: 'file', path: this.#source.path, offset, length });
    this.#fragments++;
  }

  /**
   * Seals it. What its row says is read from the segment itself, as from any other file.
   *
   * @param previous SHA-256 of the lens's segment before this one
   */
  async seal(evidence: EvidenceKey, previous: string | undefined): Promise<WrappedSegment> {
    const body = new ExtentList(this.#extents);
    const draft = await recordOf(body, { sizeBytes: body.length, sha256: '' });
    const statement = {
      v: 1 as const,
      endMs: draft.endMs,
      fragments: draft.fragmentCount,
      sha256: this.#hash.copy().digest('hex'),
      key: evidence.id,
      ...(previous === undefined ? {} : { previous }),
    };
    const signature = Buffer.from(evidence.sign(sealedBytes(this.identity, statement))).toString('hex');
    this.#own(sealBox({ ...statement, signature }));
    const { length: sizeBytes } = new ExtentList(this.#extents);
    const record = { ...draft, sizeBytes, sha256: this.#hash.digest('hex'), adopted: true };
    return { record, wrapper: encodeWrapper(this.#source, this.#extents) };
  }

  #own(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#extents.push({ kind: 'bytes', bytes });
  }
}

async function recordOf(
  content: ExtentList,
  file: { readonly sizeBytes: number; readonly sha256: string },
): Promise<SegmentRecord> {
  await using source = new ExtentSource(content);
  return segmentRecordOf(await readSegmentFile(source), file);
}
