import { createHash } from 'node:crypto';
import type { ExtentList } from '@gapless/shared/extents';
import { ExtentSource } from '@gapless/shared/extents';
import { BLOCK_BYTES } from '@gapless/shared/protocol';
import type { Clock } from '@gapless/shared/time';
import type { ConnectionUse, Remote, SftpUploader } from '../upload/index.js';
import { readRemote } from '../upload/index.js';

/** What reads from a server, through whatever the link does meanwhile. */
export interface ProofPort {
  readonly uploader: Pick<SftpUploader, 'use'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Whether a file on the server is what it is to be, read back to its last byte.
 *
 * @param onRead told how many bytes have been read
 */
export async function isRemoteFile(
  { uploader, clock, signal }: ProofPort,
  { path, sizeBytes, sha256 }: { readonly path: string; readonly sizeBytes: number; readonly sha256: string },
  onRead: (bytes: number) => void,
): Promise<boolean> {
  const hash = createHash('sha256');
  let at = 0;
  const isWhole = await uploader.use(signal, (remote, use) =>
    withFile(remote, path, async (file) => {
      if (file.sizeBytes !== sizeBytes) return false;
      for await (const bytes of readRemote(remote, { file, from: at, to: sizeBytes, clock }, use)) {
        hash.update(bytes);
        at += bytes.length;
        onRead(at);
      }
      return at === sizeBytes;
    }),
  );
  return isWhole && hash.digest('hex') === sha256;
}

/**
 * How far a partial file can be believed: up to where it ends, if its last block is right, else further in front. What
 * arrives in order is right up to a point, and this finds one; that all of it is right is proven at the end.
 */
export function soundPrefix(
  { uploader, clock, signal }: ProofPort,
  path: string,
  content: ExtentList,
): Promise<number> {
  return uploader.use(signal, async (remote, use) => {
    if (!(await remote.files.look(path, { follow: false }))) return 0;
    return withFile(remote, path, async (file) => {
      let at = Math.min(file.sizeBytes, content.length);
      for (let back = BLOCK_BYTES; at > 0; at = Math.max(0, at - back), back *= 2) {
        const from = Math.max(0, at - BLOCK_BYTES);
        if ((await firstDifferenceIn({ remote, use, clock }, file, content, { from, to: at })) === undefined)
          break;
      }
      return at;
    });
  });
}

/** Where a file on the server first differs from what it is to be; `undefined` if it does not. */
export async function firstDifference(
  { uploader, clock, signal }: ProofPort,
  path: string,
  content: ExtentList,
): Promise<number | undefined> {
  const to = content.length;
  return uploader.use(signal, (remote, use) =>
    withFile(remote, path, (file) =>
      firstDifferenceIn({ remote, use, clock }, file, content, { from: 0, to }),
    ),
  );
}

type RemoteFile = Awaited<ReturnType<Remote['files']['open']>>;

async function firstDifferenceIn(
  { remote, use, clock }: { readonly remote: Remote; readonly use: ConnectionUse; readonly clock: Clock },
  file: RemoteFile,
  content: ExtentList,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<number | undefined> {
  await using local = new ExtentSource(content);
  let at = from;
  for await (const bytes of readRemote(remote, { file, from, to, clock }, use)) {
    if (Buffer.compare(bytes, await local.read(at, bytes.length)) !== 0) return at;
    at += bytes.length;
  }
  return at === to ? undefined : at;
}

async function withFile<T>(remote: Remote, path: string, read: (file: RemoteFile) => Promise<T>): Promise<T> {
  const file = await remote.files.open(path);
  try {
    return await read(file);
  } finally {
    // Nothing was written; whether the server still hears that the file is closed does not matter.
    if (!remote.gone.aborted) remote.close(file).catch(() => undefined);
  }
}
