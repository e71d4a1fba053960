import { join } from 'node:path';
import type { Disk } from '@gapless/shared/fs';
import { writeFileDurably } from '@gapless/shared/fs';
import type { StoreReader } from '../store/store.js';

/**
 * Writes what an outside OpenSSH server needs to let the enrolled vehicles in, as an `authorized_keys` file that holds
 * public keys only: no shell, no forwarding.
 */
export async function writeAuthorizedKeys(
  port: { disk: Disk; store: StoreReader },
  dataDir: string,
): Promise<void> {
  const lines = port.store.vehicles
    .all()
    .filter(({ state }) => state === 'enrolled')
    .map(({ name, sftpKey }) => `restrict ssh-ed25519 ${Buffer.from(sftpKey).toString('base64')} ${name}\n`);
  await writeFileDurably(
    port.disk,
    join(dataDir, 'sftp-authorized-keys'),
    Buffer.from(lines.join('')),
    0o644,
  );
}
