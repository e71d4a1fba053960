import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memorySource, sealBox, sealedBytes } from '@gapless/shared/isobmff';
import { openDatabase } from '@gapless/shared/sqlite';
import {
  IndexReader,
  journalPath,
  readIndex,
  readSegmentFile,
  segmentPath,
} from '../../../packages/edge-agent/src/index/index.js';
import type { SegmentRecord, TombstoneRecord } from '../../../packages/edge-agent/src/index/index.js';
import { indexSchema } from '../../../packages/edge-agent/src/index/schema.js';
import type { RecordedPlace } from './recorded-place.js';
import { evidence, front } from './recordings.js';
import type { Place } from './recordings.js';

/** A copy of the recordings at which one thing is broken. */
export class BrokenPlace implements AsyncDisposable {
  private constructor(
    readonly place: Place,
    readonly runs: RecordedPlace['runs'],
  ) {}

  static async of({ place, runs }: RecordedPlace): Promise<BrokenPlace> {
    return new BrokenPlace(await place.copy(), runs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.place[Symbol.asyncDispose]();
  }

  /** Changes the index behind the agent's back. */
  sql(...statements: readonly string[]): void {
    const database = openDatabase(this.place.indexPath, indexSchema);
    database.pragma('foreign_keys = OFF');
    for (const sql of statements) database.exec(sql);
    database.close();
  }

  /** Writes rubbish over the last page of the index's file. */
  async scribble(): Promise<void> {
    this.sql('PRAGMA wal_checkpoint(TRUNCATE)');
    const bytes = await readFile(this.place.indexPath);
    bytes.fill(0xa5, bytes.length - 4096);
    await writeFile(this.place.indexPath, bytes);
  }

  /** A segment of the lens front: run 0 or 1, and its number. */
  segment(run: 0 | 1, seq: number): SegmentRecord {
    return this.#ask((reader) => reader.segments.get({ lens: front, run: this.runs[run], seq })!);
  }

  tombstone(): TombstoneRecord {
    return this.#ask((reader) => reader.tombstones.get({ lens: front, run: this.runs[0], seq: 0 })!);
  }

  path(below: string): string {
    return join(this.place.storageDir, below);
  }

  file(segment: SegmentRecord): string {
    return this.path(segmentPath(segment));
  }

  async journal(change: (lines: readonly string[]) => readonly string[]): Promise<void> {
    const path = this.path(journalPath(front, '2026-08-22'));
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    await writeFile(path, `${change(lines).join('\n')}\n`);
  }

  /** Changes a file's content, and lets its seal, its row's hash and its size go along. */
  async forge(segment: SegmentRecord, change: (body: Buffer) => void): Promise<void> {
    const path = this.file(segment);
    const bytes = await readFile(path);
    const { layout } = await readSegmentFile(memorySource(bytes));
    const body = bytes.subarray(0, layout.tailOffset);
    change(body);
    const { identity } = await readSegmentFile(memorySource(body));
    const seal = { ...layout.seal!, sha256: sha256(body) };
    const signature = Buffer.from(evidence.sign(sealedBytes(identity, seal))).toString('hex');
    await this.replace(segment, Buffer.concat([body, sealBox({ ...seal, signature })]));
  }

  /** Gives a segment another file, and lets its row's hash and size go along. */
  async replace(segment: SegmentRecord, bytes: Uint8Array): Promise<void> {
    await writeFile(this.file(segment), bytes);
    this.sql(
      `UPDATE segment SET sha256 = x'${sha256(bytes)}', size_bytes = ${bytes.length} WHERE ${where(segment)}`,
      'UPDATE lens SET bytes = (SELECT sum(size_bytes) FROM segment WHERE lens_id = lens.id)',
    );
  }

  #ask<T>(question: (reader: IndexReader) => T): T {
    const database = readIndex(this.place.indexPath);
    try {
      return question(new IndexReader(database));
    } finally {
      database.close();
    }
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The row of a segment, as a condition. */
export function where({ run, seq }: Pick<SegmentRecord, 'run' | 'seq'>): string {
  return `seq = ${seq} AND run_id = (SELECT id FROM run WHERE name = '${run}')`;
}

/** Where the last `needle` stands in `bytes`. */
export function at(bytes: Buffer, needle: string): number {
  const offset = bytes.lastIndexOf(needle, undefined, 'latin1');
  if (offset < 0) throw new Error(`there is no ${needle}`);
  return offset;
}
