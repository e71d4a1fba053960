import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateSshKey } from '@gapless/shared/ssh';
import { systemRandom } from '@gapless/shared/lifecycle';
import { describe, expect, it } from 'vitest';
import { hasSshd } from '../../support/peers/openssh.js';
import { sampleBytes, sha256 } from '../sftp/support/sftp-kit.js';
import { DeliverKit } from './support/deliver-kit.js';

const MIB = 1024 * 1024;

if (!hasSshd) console.warn('sshd is not installed: uploads are not tested against OpenSSH’s server');

describe.skipIf(!hasSshd)('an upload to OpenSSH’s server', () => {
  it('arrives byte for byte under its name, proven, and nothing else is left', async () => {
    await using kit = await DeliverKit.create();
    const bytes = sampleBytes(5 * MIB + 17);
    const path = await kit.file('a.bin', bytes);
    const { state, items } = await kit.upload([path]);
    expect(items).toMatchObject([
      {
        name: path,
        state: 'verified',
        path: join(kit.inbox, 'a.bin'),
        sha256: sha256(bytes),
        sizeBytes: bytes.length,
      },
    ]);
    expect(state).toBe('done');
    expect(bytes.equals(await kit.arrived('a.bin'))).toBe(true);
    expect(await kit.names()).toEqual(['a.bin']);
  });

  it('makes the directories that the path names', async () => {
    await using kit = await DeliverKit.create();
    const path = await kit.file('a.bin', sampleBytes(1000));
    const plan = { url: kit.url('{vehicle}/{case}/{sha256}-{name}'), tokens: { case: '2026 №7' } };
    const { state } = await kit.upload([path], plan);
    expect(state).toBe('done');
    const name = `bus-042/2026 №7/${sha256(sampleBytes(1000))}-a.bin`;
    expect((await kit.names()).at(-1)).toBe(name);
  });

  it('carries 20 files at once', async () => {
    await using kit = await DeliverKit.create();
    const files = Array.from({ length: 20 }, (_, n) => sampleBytes(n * 60_000, n + 1));
    const paths = await Promise.all(files.map((bytes, n) => kit.file(`f${n}.bin`, bytes)));
    const { state } = await kit.upload(paths, { concurrency: 20, url: kit.url('a/b/{name}') });
    expect(state).toBe('done');
    for (const [n, bytes] of files.entries())
      expect(bytes.equals(await kit.arrived(`a/b/f${n}.bin`))).toBe(true);
    expect(await kit.names()).toHaveLength(22);
    expect(kit.proxy.connections).toBe(1);
  });

  it('refuses another host key before anybody logs in', async () => {
    await using kit = await DeliverKit.create();
    const path = await kit.file('a.bin', sampleBytes(10));
    const other = generateSshKey(systemRandom);
    const { state, items } = await kit.upload([path, await kit.file('b.bin', sampleBytes(10))], {
      hostKeys: [other.fingerprint],
    });
    expect(state).toBe('failed');
    expect(items.map(({ reason }) => reason?.code)).toEqual(Array(2).fill('SFTP_HOST_KEY_MISMATCH'));
    expect(items[0]!.reason?.message).toContain(kit.hostKey.fingerprint);
    // Less than a login takes: the exchange of keys was broken off.
    expect(kit.proxy.connections).toBe(1);
    expect(await kit.names()).toEqual([]);
  });

  it.each(['fingerprint', 'key', 'known_hosts line'])('takes the host key as a %s', async (form) => {
    await using kit = await DeliverKit.create();
    const { fingerprint, publicKey } = kit.hostKey;
    const forms: Record<string, string> = {
      fingerprint,
      key: publicKey,
      'known_hosts line': `[127.0.0.1]:22 ${publicKey}`,
    };
    const { state } = await kit.upload([await kit.file('a.bin', sampleBytes(10))], {
      hostKeys: [forms[form]!],
    });
    expect(state).toBe('done');
  });

  it('tries a refused key once, and not once for each item', async () => {
    await using kit = await DeliverKit.create();
    const identityFile = join(kit.place.root, 'stranger');
    await writeFile(identityFile, generateSshKey(systemRandom).privateKey, { mode: 0o600 });
    const paths = await Promise.all([1, 2, 3].map((n) => kit.file(`f${n}`, sampleBytes(n))));
    const { state, items } = await kit.upload(paths, { login: { identityFile }, concurrency: 1 });
    expect(state).toBe('failed');
    expect(items.map(({ reason }) => reason?.code)).toEqual(Array(3).fill('SFTP_LOGIN_REFUSED'));
    expect(kit.proxy.connections).toBe(1);
  });

  describe('where something has the name', () => {
    const bytes = sampleBytes(300_000, 1);
    const other = sampleBytes(300_000, 2);

    it('leaves it alone by default', async () => {
      await using kit = await DeliverKit.create();
      await writeFile(join(kit.inbox, 'a.bin'), other);
      const { items } = await kit.upload([await kit.file('a.bin', bytes)]);
      expect(items).toMatchObject([{ state: 'failed', reason: { code: 'UPLOAD_TARGET_EXISTS' } }]);
      expect(other.equals(await kit.arrived('a.bin'))).toBe(true);
    });

    it('sends nothing if it is the same, and replaces it if not: if-different', async () => {
      await using kit = await DeliverKit.create();
      const path = await kit.file('a.bin', bytes);
      await writeFile(join(kit.inbox, 'a.bin'), bytes);
      expect((await kit.upload([path], { overwrite: 'if-different' })).state).toBe('done');
      expect(kit.proxy.uplinkBytes).toBeLessThan(bytes.length / 2);
      await writeFile(join(kit.inbox, 'a.bin'), other);
      expect((await kit.upload([path], { overwrite: 'if-different' })).state).toBe('done');
      expect(bytes.equals(await kit.arrived('a.bin'))).toBe(true);
      expect(await kit.names()).toEqual(['a.bin']);
    });

    it('replaces it whatever it is: always', async () => {
      await using kit = await DeliverKit.create();
      await writeFile(join(kit.inbox, 'a.bin'), other);
      expect((await kit.upload([await kit.file('a.bin', bytes)], { overwrite: 'always' })).state).toBe(
        'done',
      );
      expect(bytes.equals(await kit.arrived('a.bin'))).toBe(true);
    });

    it.each(['never', 'if-different', 'always'] as const)(
      'never replaces a directory: %s',
      async (overwrite) => {
        await using kit = await DeliverKit.create();
        await mkdir(join(kit.inbox, 'a.bin'));
        const { items } = await kit.upload([await kit.file('a.bin', bytes)], { overwrite });
        expect(items).toMatchObject([{ state: 'failed', reason: { code: 'UPLOAD_TARGET_EXISTS' } }]);
      },
    );
  });

  it('says that a directory may not be written to', async () => {
    await using kit = await DeliverKit.create(['ForceCommand internal-sftp -R']);
    const { items } = await kit.upload([await kit.file('a.bin', sampleBytes(10))]);
    expect(items).toMatchObject([{ state: 'failed', reason: { code: 'UPLOAD_REFUSED' } }]);
    await rm(kit.inbox, { recursive: true });
  });
});
