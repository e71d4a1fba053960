import { sleep } from '@gapless/shared/time';
import type { Clock } from '@gapless/shared/time';
import { unlessAborted } from './aborts.js';
import type { Remote, RemoteFile } from './remote.js';
import type { ConnectionUse } from './uploader.js';

/** What every server answers in one piece. */
const READ_BYTES = 32 * 1024;
/** Pieces asked for ahead: 512 KiB carry 40 Mbit/s over 100 ms, and others on the link wait for no more than that. */
const AHEAD = 16;

export interface ReadBack {
  readonly file: RemoteFile;
  /** The bytes `[from, to)`. */
  readonly from: number;
  readonly to: number;
  readonly clock: Clock;
}

/** The bytes of a remote file in order, several pieces asked for ahead; ends early where the file does. */
export async function* readRemote(
  remote: Remote,
  { file, from, to, clock }: ReadBack,
  { signal, moved, limiter }: ConnectionUse,
): AsyncGenerator<Uint8Array, void, undefined> {
  const asked: Promise<Uint8Array>[] = [];
  let next = from;
  for (;;) {
    while (next < to && asked.length < AHEAD) {
      const length = Math.min(READ_BYTES, to - next);
      for (let waitMs = limiter.take(length); waitMs > 0; waitMs = limiter.take(length))
        await sleep(clock, waitMs, signal);
      const answer = remote.files.read(file, next, length);
      // Those behind one that fails are not waited for.
      answer.catch(() => undefined);
      asked.push(answer);
      next += length;
    }
    const first = asked.shift();
    if (!first) return;
    const bytes = await unlessAborted(first, signal);
    moved();
    if (bytes.length > 0) yield bytes;
    if (bytes.length < READ_BYTES && asked.length > 0) return;
  }
}
