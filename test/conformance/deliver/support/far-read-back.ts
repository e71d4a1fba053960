import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemLocalAddresses } from '@gapless/edge-agent/local-addresses';
import { foreignManners, readRemote, SftpUploader } from '@gapless/edge-agent/upload/index';
import { ExtentList } from '@gapless/shared/extents';
import { systemRandom } from '@gapless/shared/lifecycle';
import { systemClock } from '@gapless/shared/time';
import { sshdUser } from '../../../support/peers/openssh.js';
import { never } from '../../sftp/support/sftp-kit.js';
import type { DeliverKit } from './deliver-kit.js';

/** Sends the end of a large file behind a prefix that the server is believed to have, and reads that end back. */
export async function farReadBack(
  kit: DeliverKit,
  path: string,
  { from, bytes }: { readonly from: number; readonly bytes: Buffer },
): Promise<{ readonly sentBytes: number; readonly isEqual: boolean }> {
  await using uploader = new SftpUploader({
    ...{ clock: systemClock, random: systemRandom, localAddresses: systemLocalAddresses },
    login: { privateKey: kit.userKey.privateKey },
    manners: foreignManners([]),
  });
  uploader.setEndpoint({
    ...{ host: '127.0.0.1', port: kit.proxy.port, user: sshdUser },
    hostKeys: [kit.hostKey.fingerprint],
  });
  const sizeBytes = from + bytes.length;
  const content = new ExtentList([{ kind: 'file', path, offset: 0, length: sizeBytes }]);
  const remotePath = join(kit.inbox, 'far');
  await writeFile(remotePath, '');
  await truncate(remotePath, from);
  const { sentBytes } = await uploader.upload({
    ...{ path: remotePath, sizeBytes, offset: from, signal: never() },
    read: (at) => content.stream(at, sizeBytes, { signal: never() }),
  });
  const readBack = await uploader.use(never(), async (remote, use) => {
    const file = await remote.files.open(remotePath);
    const parts: Uint8Array[] = [];
    for await (const part of readRemote(remote, { file, from, to: sizeBytes, clock: systemClock }, use))
      parts.push(part);
    return Buffer.concat(parts);
  });
  return { sentBytes, isEqual: readBack.equals(bytes) };
}
