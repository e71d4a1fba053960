import { createReadStream } from 'node:fs';
import type { JournalEntry } from './entry.js';
import { MAX_LINE_BYTES, parseEntry } from './entry.js';

/** A line that says nothing this program understands. */
export interface UnreadableLine {
  /** From 1. */
  readonly line: number;
  /** Why, as the rest of a sentence. */
  readonly unreadable: string;
}

/**
 * Reads a journal line by line, in the order in which it was written; later lines of the same thing replace earlier
 * ones. A line that a power cut tore is passed over in silence: nobody was told that it was written. Any other that
 * cannot be read is yielded with the reason, and reading goes on behind it.
 *
 * Memory is bounded by the longest line that an agent writes.
 */
export async function* readJournal(path: string): AsyncGenerator<JournalEntry | UnreadableLine> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  let overlong = false;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = rest.indexOf(LINE_END); end >= 0; end = rest.indexOf(LINE_END, from)) {
      line++;
      const bytes = rest.subarray(from, end);
      from = end + 1;
      const found = overlong ? TOO_LONG : readLine(bytes);
      overlong = false;
      if (found) yield 'unreadable' in found ? { line, ...found } : found;
    }
    rest = rest.subarray(from);
    overlong ||= rest.length > MAX_LINE_BYTES;
    if (overlong) rest = Buffer.alloc(0);
  }
}

const LINE_END = '\n'.charCodeAt(0);
const TOO_LONG = { unreadable: `is longer than ${MAX_LINE_BYTES} bytes` };

function readLine(bytes: Buffer): JournalEntry | { readonly unreadable: string } | undefined {
  if (bytes.length > MAX_LINE_BYTES) return TOO_LONG;
  // JSON has no zero bytes: here a power cut came before the block was written.
  if (bytes.length === 0 || bytes.includes(0)) return undefined;
  return parseEntry(bytes.toString('utf8'));
}
