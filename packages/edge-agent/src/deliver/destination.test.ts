import { systemRandom } from '@gapless/shared/lifecycle';
import { generateSshKey } from '@gapless/shared/ssh';
import { describe, expect, it, test } from 'vitest';
import { parseDestination } from './destination.js';
import { parseHostKey } from './host-keys.js';

const key = generateSshKey(systemRandom, 'server');
const hostKeys = [key.fingerprint];
const endpoint = (url: string) => parseDestination({ url, hostKeys }).endpoint;

describe('parseDestination', () => {
  test.each([
    ['sftp://anna@files.example/in/{name}', { host: 'files.example', port: 22, user: 'anna' }],
    ['sftp://anna@files.example:2222/', { host: 'files.example', port: 2222, user: 'anna' }],
    ['sftp://anna@[2001:db8::1]:2222/in/', { host: '2001:db8::1', port: 2222, user: 'anna' }],
    ['SFTP://an%40na@10.0.0.1', { host: '10.0.0.1', port: 22, user: 'an@na' }],
  ])('reads %s', (url, expected) => {
    expect(endpoint(url)).toEqual({ ...expected, hostKeys });
  });

  test.each([
    'files.example:/in',
    'ftp://anna@files.example/in',
    'sftp://anna@/in',
    'sftp://anna@files.example:0/in',
    'sftp://anna@files.example:70000/in',
    'sftp://anna@files.example/in?x=1',
    'sftp://anna@files.example/in#x',
    'sftp://an/na@files.example/in',
    'sftp://files.example/in',
    'sftp://anna@files.example/../in',
  ])('refuses %s', (url) => {
    expect(() => endpoint(url)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }) as Error);
  });

  it('takes no password in an address, and repeats none', () => {
    let said = '';
    try {
      endpoint('sftp://anna:hunter2@files.example/in');
    } catch (thrown) {
      said = JSON.stringify(thrown) + String(thrown);
    }
    expect(said).toContain('holds a password');
    expect(said).not.toContain('hunter2');
  });

  it('wants a host key', () => {
    expect(() => parseDestination({ url: 'sftp://anna@files.example/in', hostKeys: [] })).toThrow(
      'no host key is named for files.example',
    );
  });

  it('asks the server for a key of a type that is known', () => {
    const { keyTypes } = parseDestination({
      url: 'sftp://anna@files.example/in',
      hostKeys: [key.publicKey, key.fingerprint],
    });
    expect(keyTypes).toEqual(['ssh-ed25519']);
  });
});

describe('parseHostKey', () => {
  const [type, base64] = key.publicKey.split(' ');

  test.each([
    ['a fingerprint', key.fingerprint],
    ['a padded fingerprint', `${key.fingerprint}=`],
    ['a key', key.publicKey],
    ['a line of known_hosts', `files.example,10.0.0.1 ${type} ${base64}`],
    ['a line with a hashed host', `|1|c2FsdA==|aGFzaA== ${type} ${base64}`],
  ])('takes %s', (_, text) => {
    expect(parseHostKey(text).fingerprint).toBe(key.fingerprint);
  });

  test.each([
    ['nothing', ''],
    ['another hash', 'MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48'],
    ['a short fingerprint', 'SHA256:abc'],
    ['a key that is none', 'ssh-ed25519 AAAA'],
    ['a key of another type than it says', `ssh-rsa ${base64}`],
    ['a broken type', 'ssh-dss AAAAB3NzaC1kc3MAAACB'],
    ['a revoked key', `@revoked files.example ${type} ${base64}`],
    ['an authority', `@cert-authority *.example ${type} ${base64}`],
  ])('refuses %s', (_, text) => {
    expect(() => parseHostKey(text)).toThrow('not a host key');
  });
});
