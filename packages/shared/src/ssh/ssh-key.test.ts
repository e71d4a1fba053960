import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createPrivateKey, sign } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../lifecycle/index.js';
import { fingerprintOf, generateSshKey, isPublicKey, parsePublicKey, verifySignature } from './index.js';

describe('generateSshKey', () => {
  it.skipIf(!existsSync('/usr/bin/ssh-keygen'))('makes what ssh-keygen reads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gapless-ssh-'));
    try {
      // Comments of every length, so that the padding takes every form.
      for (let length = 1; length <= 9; length++) {
        const key = generateSshKey(systemRandom, 'c'.repeat(length));
        const file = join(folder, `key${length}`);
        await writeFile(file, key.privateKey);
        await chmod(file, 0o600);
        const derived = execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).trim();
        expect(derived).toBe(key.publicKey);
        await writeFile(`${file}.pub`, `${key.publicKey}\n`);
        const shown = execFileSync('ssh-keygen', ['-l', '-f', `${file}.pub`], { encoding: 'utf8' });
        expect(shown.split(' ')[1]).toBe(key.fingerprint);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('is decided by the randomness alone', () => {
    const random = { bytes: (count: number) => new Uint8Array(count).fill(7), fraction: () => 0 };
    expect(generateSshKey(random)).toEqual(generateSshKey(random));
    expect(generateSshKey(systemRandom).fingerprint).not.toBe(generateSshKey(systemRandom).fingerprint);
  });
});

describe('parsePublicKey', () => {
  it('reads what generateSshKey made and agrees on its fingerprint', () => {
    const key = generateSshKey(systemRandom);
    const wire = parsePublicKey(key.publicKey);
    expect(isPublicKey(wire)).toBe(true);
    expect(fingerprintOf(wire)).toBe(key.fingerprint);
    expect(fingerprintOf(key.publicKey)).toBe(key.fingerprint);
  });

  it('refuses everything else', () => {
    const { publicKey } = generateSshKey(systemRandom);
    for (const line of ['', 'ssh-ed25519', publicKey.replace('ed25519', 'rsa'), publicKey.slice(0, 60)])
      expect(() => parsePublicKey(line)).toThrow('not an ssh-ed25519 public key');
  });
});

describe('verifySignature', () => {
  const seed = systemRandom.bytes(32);
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const random = {
    bytes: (count: number) => (count === 32 ? seed : new Uint8Array(count)),
    fraction: () => 0,
  };
  const wire = parsePublicKey(generateSshKey(random).publicKey);
  const data = Buffer.from('what was signed');

  it('accepts the key’s own signature and no other data', () => {
    const signature = sign(null, data, key);
    expect(verifySignature(wire, data, signature)).toBe(true);
    expect(verifySignature(wire, Buffer.from('what was not'), signature)).toBe(false);
  });

  it('is false for whatever is malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 80 }), (odd, signature) => {
        expect(verifySignature(odd, data, signature)).toBe(false);
        expect(verifySignature(wire, data, signature)).toBe(false);
      }),
    );
  });
});
