import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CuttingProxy } from './support/cutting-proxy.js';
import type { Ended } from '../../support/peers/openssh.js';
import { hasSftp, hasSshd, runSftp, Sshd, sshdUser } from '../../support/peers/openssh.js';
import { seededRandom } from './support/seeded-random.js';
import { contentOf, never, sampleBytes, sha256, SftpKit, sourceOf, VEHICLE } from './support/sftp-kit.js';

const MIB = 1024 * 1024;

if (!hasSftp) console.warn('sftp is not installed: OpenSSH’s client is not tested against central');
if (!hasSshd) console.warn('sshd is not installed: the uploader is not tested against OpenSSH’s server');

function sftp(kit: SftpKit, ...commands: string[]): Promise<Ended> {
  return runSftp({ directory: kit.directory, key: kit.vehicleKey, user: VEHICLE, port: kit.port }, commands);
}

describe.skipIf(!hasSftp)('OpenSSH’s sftp and central', () => {
  it('puts a ticketed file, and ends', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(5 * MIB + 17);
    const source = join(kit.directory, 'source');
    await writeFile(source, bytes);
    const file = kit.ticket('in/clip.part', bytes.length);
    expect(await sftp(kit, `put ${source} in/clip.part`)).toMatchObject({ code: 0 });
    expect(bytes.equals(await contentOf(file))).toBe(true);
    expect(kit.closed.map((upload) => upload.sha256)).toEqual([sha256(bytes)]);
  });

  it('puts with every flag that changes what is sent', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(300_000);
    const source = join(kit.directory, 'source');
    await writeFile(source, bytes);
    for (const flags of ['-p', '-f', '-p -f']) {
      kit.ticket('clip', bytes.length);
      expect(await sftp(kit, `put ${flags} ${source} /clip`)).toMatchObject({ code: 0 });
    }
    expect(kit.closed.map((upload) => upload.sha256)).toEqual(Array(3).fill(sha256(bytes)));
  });

  it('puts through new keys in the middle of the file', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(12 * MIB);
    const source = join(kit.directory, 'source');
    await writeFile(source, bytes);
    kit.ticket('clip', bytes.length);
    const options = {
      directory: kit.directory,
      key: kit.vehicleKey,
      user: VEHICLE,
      port: kit.port,
      settings: ['RekeyLimit=1M'],
    };
    expect(await runSftp(options, [`put ${source} clip`])).toMatchObject({ code: 0 });
    expect(kit.closed.map((upload) => upload.sha256)).toEqual([sha256(bytes)]);
  });

  it('resumes with reput where the ticket allows it', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(3 * MIB);
    const source = join(kit.directory, 'source');
    await writeFile(source, bytes);
    const file = kit.ticket('clip', bytes.length, MIB);
    await writeFile(file, bytes.subarray(0, MIB + 1000));
    const put = await sftp(kit, `put ${source} clip`);
    expect(put.code).not.toBe(0);
    expect(put.output).toMatch(/resume there|Permission denied/i);
    expect(await sftp(kit, `reput ${source} clip`)).toMatchObject({ code: 0 });
    expect(bytes.equals(await contentOf(file))).toBe(true);
    expect(kit.closed.map((upload) => upload.sha256)).toEqual([sha256(bytes)]);
  });

  it('can neither list, read, rename, remove nor make anything', async () => {
    await using kit = await SftpKit.create();
    const file = kit.ticket('clip', 10);
    await writeFile(file, 'secret');
    const commands = [
      'ls',
      `get clip ${join(kit.directory, 'stolen')}`,
      'rename clip clop',
      'rm clip',
      'mkdir folder',
      'rmdir folder',
      'ln -s /etc/passwd clip',
      'ln clip clop',
      'df',
      `put ${file} other`,
      `put ${file} ../other`,
    ];
    for (const command of commands) {
      // A failed `ls` does not show in the exit status.
      const { output } = await sftp(kit, `-${command}`);
      expect(output, command).toMatch(
        /denied|unsupported|not found|no such file|does not support|couldn't|can't/i,
      );
    }
    expect((await contentOf(file)).toString()).toBe('secret');
    await expect(stat(join(kit.directory, 'stolen'))).rejects.toThrow('ENOENT');
  });

  it('is refused more bytes than the ticket is for', async () => {
    await using kit = await SftpKit.create();
    const source = join(kit.directory, 'source');
    await writeFile(source, sampleBytes(100_000));
    const file = kit.ticket('clip', 90_000);
    expect(await sftp(kit, `put ${source} clip`)).not.toMatchObject({ code: 0 });
    expect((await stat(file)).size).toBeLessThanOrEqual(90_000);
    expect(kit.closed).toEqual([]);
  });
});

describe.skipIf(!hasSshd)('the uploader and OpenSSH’s server', () => {
  it('uploads, resumes and overwrites an unsound tail', async () => {
    await using kit = await SftpKit.create();
    await using sshd = await startSshd(kit);
    const bytes = sampleBytes(5 * MIB + 17);
    const file = join(kit.directory, 'clip');
    const uploader = kit.uploader({}, { ...kit.endpoint(sshd.port), user: sshdUser });
    const request = { path: file, sizeBytes: bytes.length, read: sourceOf(bytes), signal: never() };
    expect(await uploader.upload({ ...request, offset: 0 })).toEqual({ sentBytes: bytes.length });
    expect(bytes.equals(await contentOf(file))).toBe(true);
    await writeFile(file, Buffer.concat([bytes.subarray(0, MIB), Buffer.alloc(6 * MIB, 9)]));
    expect(await uploader.upload({ ...request, offset: MIB })).toEqual({ sentBytes: bytes.length - MIB });
    expect(bytes.equals(await contentOf(file))).toBe(true);
  });

  it('arrives byte for byte after 25 kills at random bytes', async () => {
    const random = seededRandom(Date.now());
    await using kit = await SftpKit.create();
    await using sshd = await startSshd(kit);
    await using proxy = await CuttingProxy.start(sshd.port);
    let kills = 0;
    proxy.nextBudgetBytes = () =>
      kills++ < 25 ? Math.floor(random() * 1_500_000) : Number.POSITIVE_INFINITY;
    const bytes = sampleBytes(12 * MIB);
    const file = join(kit.directory, 'clip');
    const uploader = kit.uploader(
      { random: { bytes: (count) => new Uint8Array(count), fraction: () => 0 } },
      { ...kit.endpoint(proxy.port), user: sshdUser },
    );
    await uploader.upload({
      path: file,
      sizeBytes: bytes.length,
      offset: 0,
      read: sourceOf(bytes),
      signal: never(),
    });
    expect(bytes.equals(await contentOf(file))).toBe(true);
  });

  it('lives through new keys in the middle of a file', async () => {
    await using kit = await SftpKit.create();
    await using sshd = await startSshd(kit, ['RekeyLimit 1M']);
    const bytes = sampleBytes(20 * MIB);
    const file = join(kit.directory, 'clip');
    await kit.uploader({}, { ...kit.endpoint(sshd.port), user: sshdUser }).upload({
      path: file,
      sizeBytes: bytes.length,
      offset: 0,
      read: sourceOf(bytes),
      signal: never(),
    });
    expect(bytes.equals(await contentOf(file))).toBe(true);
  });

  it('refuses a host key that is not pinned before it logs in', async () => {
    await using kit = await SftpKit.create();
    await using sshd = await startSshd(kit);
    const uploader = kit.uploader(
      {},
      { ...kit.endpoint(sshd.port), user: sshdUser, hostKeys: [kit.vehicleKey.fingerprint] },
    );
    await expect(
      uploader.upload({
        path: 'clip',
        sizeBytes: 1,
        offset: 0,
        read: sourceOf(sampleBytes(1)),
        signal: never(),
      }),
    ).rejects.toMatchObject({ code: 'SFTP_HOST_KEY_MISMATCH' });
  });
});

function startSshd(kit: SftpKit, settings: readonly string[] = []): Promise<Sshd> {
  return Sshd.start(join(kit.directory, 'sshd'), { host: kit.hostKey, client: kit.vehicleKey }, settings);
}
