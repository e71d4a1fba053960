import { execFileSync } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasSshd, Sshd, sshdUser } from '../../support/peers/openssh.js';
import { sampleBytes } from '../sftp/support/sftp-kit.js';
import { DeliverKit } from './support/deliver-kit.js';

const PASSWORD = 'correct horse';
/** Of that password: `openssl passwd -6 -salt gapless`. */
const SHADOW =
  '$6$gapless$f0uYwpuOx2r2O3pkNdfBRByAdLNEBSdyEFcqz.J3D684BU8SHu9tNSzFfd8fgNkpi1G7epI8KB7tLlkWG5RFM0';

/** Whether a server can be given passwords of its own: that takes a file system that only it sees. */
function mayHavePasswords(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'pipe' });
    return hasSshd && sshdUser === 'root';
  } catch {
    return false;
  }
}

describe.skipIf(!hasSshd)('logging in to upload', () => {
  it.each(['ed25519', 'ecdsa', 'rsa'])('takes a key of ssh-keygen: %s', async (type) => {
    await using kit = await DeliverKit.create();
    const identityFile = join(kit.place.root, type);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', identityFile]);
    await writeFile(join(kit.place.root, 'sshd', 'authorized'), await readFile(`${identityFile}.pub`));
    const path = await kit.file('a', sampleBytes(1000));
    expect((await kit.upload([path], { login: { identityFile } })).state).toBe('done');
  });

  it('refuses a secret that others can read, and a key that is locked or none', async () => {
    await using kit = await DeliverKit.create();
    const path = await kit.file('a', sampleBytes(1000));
    const refused = (file: string, code: string) =>
      expect(kit.accept([path], { login: { identityFile: file } })).rejects.toMatchObject({ code });
    const locked = join(kit.place.root, 'locked');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', locked]);
    await refused(locked, 'KEY_UNREADABLE');
    const rubbish = join(kit.place.root, 'rubbish');
    await writeFile(rubbish, 'no key', { mode: 0o600 });
    await refused(rubbish, 'KEY_UNREADABLE');
    await refused(join(kit.place.root, 'nothing'), 'INPUT_MISSING');
    await chmod(kit.identityFile, 0o640);
    await refused(kit.identityFile, 'SECRET_EXPOSED');
    await expect(kit.accept([path], { login: { passwordFile: kit.identityFile } })).rejects.toMatchObject({
      code: 'SECRET_EXPOSED',
    });
    expect(kit.proxy.connections).toBe(0);
  });

  it.skipIf(!mayHavePasswords())('takes a password, and keeps it nowhere', async () => {
    await using kit = await DeliverKit.create();
    const path = await kit.file('a', sampleBytes(1000));
    const passwordFile = join(kit.place.root, 'password');
    await writeFile(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
    const shadow = join(kit.place.root, 'shadow');
    await writeFile(shadow, `root:${SHADOW}:19000:0:99999:7:::\n`, { mode: 0o600 });
    await using sshd = await Sshd.start(
      join(kit.place.root, 'sshd-2'),
      { host: kit.hostKey, client: kit.userKey },
      ['PasswordAuthentication yes', 'PubkeyAuthentication no', 'PermitRootLogin yes'],
      { shadow },
    );
    kit.proxy.retarget(sshd.port);
    expect((await kit.upload([path], { login: { passwordFile } })).state).toBe('done');
    await writeFile(passwordFile, 'wrong');
    const { items } = await kit.upload([path], { login: { passwordFile }, overwrite: 'always' });
    expect(items).toMatchObject([{ reason: { code: 'SFTP_LOGIN_REFUSED' } }]);
    await kit.stop();
    for (const name of ['uploads.sqlite', 'uploads.sqlite-wal'])
      expect(
        (await readFile(join(kit.place.stateDir, name)).catch(() => Buffer.alloc(0))).includes(PASSWORD),
      ).toBe(false);
  });
});
