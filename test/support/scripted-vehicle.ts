import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { Random } from '@gapless/shared/ids';
import { parseRunId } from '@gapless/shared/ids';
import type {
  AgentMessage,
  ByteRange,
  CentralMessage,
  Change,
  Manifest,
  SegmentRow,
  TombstoneReason,
} from '@gapless/shared/protocol';
import { BLOCK_BYTES } from '@gapless/shared/protocol';
import type { Lens } from '../../packages/central/src/store/index.js';

type Fetch = Extract<CentralMessage, { type: 'fetch' }>;
type Ticket = Extract<CentralMessage, { type: 'ticket' }>;

/** What a vehicle does with a fetch, instead of what it should. */
export type Mishap = 'none' | 'silent' | 'retry' | 'cut' | 'garbled' | 'silent-upload';

/** A segment on the vehicle's disk; its bytes are noise, since what is in them is not what is under test. */
export interface Held {
  readonly row: SegmentRow;
  readonly bytes: Buffer;
}

/** How an agent is connected: what it says, and where the uploads of a ticket go. */
export interface Line {
  readonly say: (message: AgentMessage) => void;
  readonly fileOf: (path: string) => string | undefined;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** An agent's side of completion, without its disk and its network: it answers what central asks, or has mishaps. */
export class ScriptedVehicle {
  readonly held = new Map<number, Held>();
  readonly changes: Change[] = [];
  /** What happens to each fetch. */
  mishap: () => Mishap = () => 'none';
  /** Bytes that were uploaded, whether they were of use or not. */
  sentBytes = 0;
  /** Fetches that were asked of this vehicle. */
  readonly fetches: Fetch[] = [];
  /** How often it says everything. */
  times = 1;
  line: Line | undefined;
  readonly #lens: Lens;
  readonly #random: Random;
  readonly #run;
  readonly #during: <T>(work: Promise<T>) => Promise<T>;
  /** Segments whose file has lost its hash. */
  readonly #rotten = new Set<number>();
  readonly #offered = new Map<string, { content: Buffer; mishap: Mishap }>();

  /** @param during told of everything that takes real time */
  constructor(lens: Lens, run: string, random: Random, during: <T>(work: Promise<T>) => Promise<T>) {
    this.#during = during;
    this.#lens = lens;
    this.#run = parseRunId(run);
    this.#random = random;
  }

  /** Closes a segment and puts it into the catalogue. */
  record(seq: number, startMs: number, endMs: number, sizeBytes: number): Held {
    const bytes = Buffer.from(this.#random.bytes(sizeBytes));
    const row: SegmentRow = {
      lens: this.#lens.name,
      run: this.#run,
      seq,
      startMs,
      endMs,
      sizeBytes,
      sha256: sha256(bytes),
      firstFragment: 1,
      fragments: 1,
    };
    const held = { row, bytes };
    this.held.set(seq, held);
    this.changes.push({ kind: 'segment', seq: this.changes.length + 1, row });
    return held;
  }

  /** The segment is no longer there, and the catalogue says so. */
  lose(seq: number, reason: TombstoneReason): void {
    const { row } = this.held.get(seq)!;
    this.held.delete(seq);
    const { lens, run, startMs, endMs, sizeBytes, sha256: hash } = row;
    const tombstone = { lens, run, seq, startMs, endMs, sizeBytes, sha256: hash, deletedMs: endMs, reason };
    this.changes.push({ kind: 'tombstone', seq: this.changes.length + 1, row: tombstone });
  }

  /** The segment's file no longer has its hash; the vehicle finds out when it is asked for it. */
  rot(seq: number): void {
    this.#rotten.add(seq);
  }

  /** Takes what central says. */
  async hear(message: CentralMessage): Promise<void> {
    switch (message.type) {
      case 'fetch':
        this.#fetch(message);
        return;
      case 'ticket':
        await this.#upload(message);
        return;
      case 'list':
        this.#list(message);
        return;
      default:
        return;
    }
  }

  #fetch(fetch: Fetch): void {
    this.fetches.push(fetch);
    const { transfer, generation, segment, bytes } = fetch;
    const mishap = this.mishap();
    if (mishap === 'silent') return;
    const failed = (outcome: 'gone' | 'corrupt' | 'retry'): void =>
      this.#say({ type: 'failed', transfer, generation, outcome, code: 'SCRIPTED', message: outcome });
    if (mishap === 'retry') {
      failed('retry');
      return;
    }
    const held = this.held.get(segment.seq);
    if (!held) {
      failed('gone');
      return;
    }
    if (this.#rotten.has(segment.seq)) {
      this.lose(segment.seq, 'corrupt');
      failed('corrupt');
      return;
    }
    const content = Buffer.concat(bytes.map(({ from, to }: ByteRange) => held.bytes.subarray(from, to)));
    this.#offered.set(`${transfer}#${generation}`, { content, mishap });
    this.#say({ type: 'offer', transfer, generation, manifest: manifestOf(content) });
  }

  async #upload({ transfer, generation, path, offset }: Ticket): Promise<void> {
    const { content, mishap } = this.#offered.get(`${transfer}#${generation}`)!;
    const file = this.line?.fileOf(path);
    if (file === undefined || mishap === 'silent-upload') return;
    const sent = Buffer.from(content);
    if (mishap === 'garbled') sent[sent.length >> 1]! ^= 0x40;
    const whole = mishap === 'cut' ? sent.subarray(0, sent.length >> 1) : sent;
    this.sentBytes += whole.length - offset;
    await this.#during(writeFile(file, whole));
    if (mishap === 'cut') return;
    this.#say({ type: 'progress', transfer, generation, ackedBytes: whole.length });
    this.#say({ type: 'uploaded', transfer, generation });
  }

  #list({ id, lens, range }: Extract<CentralMessage, { type: 'list' }>): void {
    const segments = [...this.held.values()]
      .map(({ row }) => row)
      .filter((row) => row.startMs < range.endMs && range.startMs < row.endMs)
      .sort((a, b) => b.startMs - a.startMs);
    this.#say({ type: 'held', id, lens, segments, tombstones: [], absences: [] });
  }

  #say(message: AgentMessage): void {
    for (let said = 0; said < this.times; said++) this.line?.say(message);
  }
}

function manifestOf(content: Buffer): Manifest {
  const blocks: string[] = [];
  for (let at = 0; at < content.length; at += BLOCK_BYTES)
    blocks.push(sha256(content.subarray(at, at + BLOCK_BYTES)));
  return { v: 1, sizeBytes: content.length, sha256: sha256(content), blockBytes: BLOCK_BYTES, blocks };
}
