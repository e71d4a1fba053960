import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { reduce } from '@gapless/edge-agent/reduce/index';
import { ExtentList } from '@gapless/shared/extents';

/** A whole file in memory as a source. */
export function inMemory(bytes: Uint8Array): ExtentList {
  return new ExtentList([{ kind: 'bytes', bytes }]);
}

/** All bytes of an artifact. */
export async function bytesOf(list: ExtentList): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of list.stream(0, list.length, { signal: new AbortController().signal }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The bytes of a file without its padding. */
export async function reducedBytes(bytes: Uint8Array): Promise<Buffer> {
  return bytesOf((await reduce(inMemory(bytes), new AbortController().signal)).artifact);
}

/**
 * What ffmpeg demuxes of a file: a line for each packet with its times, size and hash, stream by stream; and whether it failed.
 * Where times are absurd, which stream's packet it hands out first depends on where they lie; that is no matter of the media.
 */
export async function packetLines(path: string): Promise<string[]> {
  const args = ['-v', 'error', '-i', path, '-map', '0', '-c', 'copy', '-copyts', '-f', 'framemd5', '-'];
  const { stdout, failed } = await promisify(execFile)('ffmpeg', args, {
    maxBuffer: 2 ** 26,
    timeout: 30_000,
  })
    .then(({ stdout }) => ({ stdout, failed: false }))
    .catch((thrown: unknown) => {
      const { stdout, code } = thrown as { stdout: string; code: unknown };
      if (typeof code !== 'number') throw thrown;
      return { stdout, failed: true };
    });
  const streamOf = (line: string): number => (line.startsWith('#') ? -1 : Number.parseInt(line, 10) || 0);
  const lines = stdout.split('\n').sort((a, b) => streamOf(a) - streamOf(b));
  return [...lines, failed ? 'failed' : 'done'];
}
