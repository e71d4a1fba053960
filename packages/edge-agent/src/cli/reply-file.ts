import type { IncomingMessage } from 'node:http';
import { AppError } from '@gapless/shared/errors';
import { nodeDisk } from '@gapless/shared/fs';

/** Refuses to replace a file that nobody said may be replaced; throws OUTPUT_EXISTS. */
export async function requireFree(path: string): Promise<void> {
  if (path === '-' || (await nodeDisk.sizeBytes(path)) === undefined) return;
  throw new AppError('OUTPUT_EXISTS', `${path} is there already`, {
    hint: 'Choose another name, or pass --force to replace it.',
  });
}

/** The body of a reply; throws AGENT_NOT_RUNNING when it is not all of it. */
export async function* wholeReply(reply: IncomingMessage): AsyncGenerator<Uint8Array> {
  const total = Number(reply.headers['content-length']);
  let bytes = 0;
  try {
    for await (const chunk of reply as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      yield chunk;
    }
  } catch (thrown) {
    throw new AppError('AGENT_NOT_RUNNING', `the agent broke off after ${bytes} of ${total} bytes`, {
      cause: thrown,
      hint: 'Its log says why. Ask again once it runs.',
    });
  }
}
