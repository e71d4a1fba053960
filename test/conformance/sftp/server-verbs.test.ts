import { writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FaultyDisk } from './support/faulty-disk.js';
import { messageOf, RawClient, statusOf } from './support/raw-client.js';
import { contentOf, sampleBytes, sha256, SftpKit } from './support/sftp-kit.js';

const NO_SUCH_FILE = 2;
const DENIED = 3;
const FAILURE = 4;
const UNSUPPORTED = 8;

const READ = 0x01;
const WRITE = 0x02;
const APPEND = 0x04;
const CREATE = 0x08;
const TRUNCATE = 0x10;
const EXCLUSIVE = 0x20;

describe('what a vehicle can ask of the SFTP server', () => {
  it('sees a root without anything in it, and its own tickets by name', async () => {
    await using kit = await SftpKit.create();
    kit.ticket('clip', 10);
    await using raw = await RawClient.connect(kit);
    expect(await raw.ask((answer) => raw.sftp.realpath('.', answer))).toBe('/');
    expect(await raw.ask((answer) => raw.sftp.realpath('clip', answer))).toBe('/clip');
    expect((await raw.stat('/')).isDirectory()).toBe(true);
    expect(await statusOf(raw.stat('clip'))).toBe(NO_SUCH_FILE);
    expect(await statusOf(raw.stat('other'))).toBe(NO_SUCH_FILE);
    expect(await statusOf(raw.ask((answer) => raw.sftp.realpath('/etc', answer)))).toBe(NO_SUCH_FILE);
  });

  it('answers STAT, LSTAT and FSTAT with the contiguous mark', async () => {
    await using kit = await SftpKit.create();
    kit.ticket('clip', 1000);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('/clip');
    await raw.write(handle, Buffer.alloc(300), 0);
    expect((await raw.stat('clip')).size).toBe(300);
    expect((await raw.ask<{ size: number }>((answer) => raw.sftp.lstat('/clip', answer))).size).toBe(300);
    expect((await raw.ask<{ size: number }>((answer) => raw.sftp.fstat(handle, answer))).size).toBe(300);
  });

  it('refuses to read, list, rename, link or remove', async () => {
    await using kit = await SftpKit.create();
    const file = kit.ticket('clip', 10);
    await writeFile(file, 'secret');
    await using raw = await RawClient.connect(kit);
    const { sftp } = raw;
    expect(await statusOf(raw.open('clip', READ))).toBe(DENIED);
    const handle = await raw.open('clip', READ | WRITE);
    const into = Buffer.alloc(10);
    const refused = [
      raw.ask((answer) => sftp.read(handle, into, 0, 10, 0, (error) => answer(error, undefined))),
      raw.ask((answer) => sftp.opendir('/', answer)),
      raw.ask((answer) => sftp.opendir('clip', answer)),
      raw.ask((answer) => sftp.readdir(handle, answer)),
      raw.ask((answer) => sftp.unlink('clip', (error) => answer(error, undefined))),
      raw.ask((answer) => sftp.rename('clip', 'clop', (error) => answer(error, undefined))),
      raw.ask((answer) => sftp.mkdir('folder', (error) => answer(error, undefined))),
      raw.ask((answer) => sftp.rmdir('folder', (error) => answer(error, undefined))),
      raw.ask((answer) => sftp.symlink('/etc/passwd', 'clip', (error) => answer(error, undefined))),
      raw.ask((answer) => sftp.readlink('clip', answer)),
    ];
    expect(await Promise.all(refused.map(statusOf))).toEqual(refused.map(() => DENIED));
  });

  it('refuses extensions but fsync', async () => {
    await using kit = await SftpKit.create();
    kit.ticket('clip', 10);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('clip');
    const extensions = (raw.sftp as unknown as { _extensions: Record<string, string> })._extensions;
    Object.assign(extensions, { 'hardlink@openssh.com': '1', 'posix-rename@openssh.com': '1' });
    expect(
      await statusOf(raw.ask((answer) => raw.sftp.ext_openssh_hardlink('clip', 'clop', (e) => answer(e, 0)))),
    ).toBe(UNSUPPORTED);
    expect(
      await statusOf(raw.ask((answer) => raw.sftp.ext_openssh_rename('clip', 'clop', (e) => answer(e, 0)))),
    ).toBe(UNSUPPORTED);
    expect(await statusOf(raw.fsync(handle))).toBe(0);
    expect(await statusOf(raw.fsync(Buffer.from('none')))).toBe(DENIED);
  });

  it('takes attributes without effect, and a size only to shrink what is not final', async () => {
    await using kit = await SftpKit.create();
    kit.ticket('clip', 1000, 100);
    await writeFile(kit.ticket('clip', 1000, 100), Buffer.alloc(100, 1));
    await using raw = await RawClient.connect(kit);
    const { sftp } = raw;
    const handle = await raw.open('clip');
    await raw.write(handle, Buffer.alloc(400, 2), 100);
    const set = (size: number): Promise<unknown> =>
      raw.ask((answer) => sftp.fsetstat(handle, { size }, (error) => answer(error, undefined)));
    expect(await statusOf(raw.ask((a) => sftp.setstat('clip', { mode: 0o777 }, (e) => a(e, 0))))).toBe(0);
    expect(
      await statusOf(raw.ask((a) => sftp.fsetstat(handle, { mtime: 5, atime: 5 }, (e) => a(e, 0)))),
    ).toBe(0);
    expect(await statusOf(raw.ask((a) => sftp.setstat('nope', { mode: 0o777 }, (e) => a(e, 0))))).toBe(
      NO_SUCH_FILE,
    );
    expect(await statusOf(set(600))).toBe(FAILURE);
    expect(await statusOf(set(99))).toBe(FAILURE);
    expect((await raw.stat('clip')).size).toBe(500);
    expect(await statusOf(set(200))).toBe(0);
    expect((await raw.stat('clip')).size).toBe(200);
  });

  it('lets no other name in, whatever it looks like', async () => {
    await using kit = await SftpKit.create();
    kit.ticket('in/clip.part', 10);
    await writeFile(`${kit.directory}/secret`, 'x');
    await using raw = await RawClient.connect(kit);
    const parts = fc.constantFrom(
      '..',
      '.',
      '',
      '/',
      '\\',
      '\0',
      'in',
      'clip.part',
      'secret',
      'etc',
      '%2e',
      '~',
      ' ',
    );
    const names = fc.oneof(
      fc.array(parts, { minLength: 1, maxLength: 6 }).map((list) => list.join('/')),
      fc.string({ maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 20 }).map((odd) => `in/clip.part${odd}`),
    );
    await fc.assert(
      fc.asyncProperty(names, async (name) => {
        if (name === 'in/clip.part' || name === '/in/clip.part') return;
        expect(await statusOf(raw.open(name))).toBe(NO_SUCH_FILE);
        if (!['', '.', '/'].includes(name)) expect(await statusOf(raw.stat(name))).toBe(NO_SUCH_FILE);
      }),
      { numRuns: 300 },
    );
    expect(await statusOf(raw.open('/in/clip.part'))).toBe(0);
  });
});

describe('writing a ticketed file', () => {
  it('refuses what would leave a hole, and what goes beyond the ticket', async () => {
    await using kit = await SftpKit.create();
    const file = kit.ticket('clip', 1000);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('clip');
    await raw.write(handle, Buffer.alloc(100, 1), 0);
    expect(await messageOf(raw.write(handle, Buffer.alloc(10), 101))).toBe(
      'a write at 101 leaves a hole behind 100',
    );
    expect(await messageOf(raw.write(handle, Buffer.alloc(901), 100))).toBe('the ticket is for 1000 bytes');
    expect(await statusOf(raw.write(handle, Buffer.alloc(1), 2 ** 60))).toBe(FAILURE);
    // Of writes that are merged on their way to disk only the one too many is refused.
    const together = [0, 1, 2].map((n) => statusOf(raw.write(handle, Buffer.alloc(400, 2), 100 + n * 400)));
    expect(await Promise.all(together)).toEqual([0, 0, FAILURE]);
    expect(await contentOf(file)).toEqual(Buffer.concat([Buffer.alloc(100, 1), Buffer.alloc(800, 2)]));
  });

  it('begins at the ticket’s offset and cuts off what lies behind it', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(3_000_000);
    const file = kit.ticket('clip', bytes.length, 1_000_000);
    await writeFile(file, Buffer.concat([bytes.subarray(0, 1_000_000), Buffer.alloc(700_000, 9)]));
    await using raw = await RawClient.connect(kit);
    expect((await raw.stat('clip')).size).toBe(1_000_000);
    expect(await messageOf(raw.open('clip', WRITE | CREATE | TRUNCATE))).toContain('resume there');
    expect(await statusOf(raw.open('clip', WRITE | CREATE | EXCLUSIVE))).toBe(DENIED);
    const handle = await raw.open('clip', WRITE | CREATE | APPEND);
    expect((await contentOf(file)).length).toBe(1_000_000);
    expect(await messageOf(raw.write(handle, Buffer.alloc(10), 999_990))).toContain('final');
    await raw.write(handle, bytes.subarray(1_000_000, 1_030_000), 1_000_000);
    await raw.close(handle);
    const again = await raw.open('clip');
    for (let at = 1_030_000; at < bytes.length; at += 30_000)
      await raw.write(again, bytes.subarray(at, at + 30_000), at);
    await raw.close(again);
    expect(kit.closed.map((upload) => upload.sha256)).toEqual([sha256(bytes)]);
    expect(kit.server.digestOf(file)).toBe(sha256(bytes));
    // Whoever may write it may change it: until that is over nobody can say what it is.
    const changing = await raw.open('clip');
    expect(kit.server.digestOf(file)).toBeUndefined();
    await raw.write(changing, Buffer.alloc(10), 1_000_000);
    await raw.close(changing);
    expect(kit.server.digestOf(file)).toBeUndefined();
  });

  it('may write its own tail again, and the hash follows', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(200_000);
    const file = kit.ticket('clip', bytes.length);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('clip');
    await raw.write(handle, bytes.subarray(0, 30_000), 0);
    await raw.write(handle, Buffer.alloc(30_000, 7), 30_000);
    await raw.write(handle, bytes.subarray(20_000, 50_000), 20_000);
    for (let at = 50_000; at < bytes.length; at += 30_000)
      await raw.write(handle, bytes.subarray(at, at + 30_000), at);
    await raw.close(handle);
    expect(bytes.equals(await contentOf(file))).toBe(true);
    expect(kit.closed[0]?.sha256).toBe(sha256(bytes));
  });

  it('starts over with TRUNC as long as nothing is final', async () => {
    await using kit = await SftpKit.create();
    kit.ticket('clip', 100);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('clip', 'w');
    await raw.write(handle, Buffer.alloc(60, 1), 0);
    await raw.close(handle);
    expect(kit.closed).toEqual([]);
    const again = await raw.open('clip', 'w');
    expect((await raw.stat('clip')).size).toBe(0);
    await raw.write(again, Buffer.alloc(100, 2), 0);
    await raw.close(again);
    expect(kit.closed[0]?.sha256).toBe(sha256(Buffer.alloc(100, 2)));
  });

  it('has stored a complete file before it answers the closing', async () => {
    const disk = new FaultyDisk();
    await using kit = await SftpKit.create({ disk });
    kit.ticket('clip', 100);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('clip');
    await raw.write(handle, Buffer.alloc(50), 0);
    await raw.fsync(handle);
    expect(disk.operations).toEqual(['write', 'sync']);
    await raw.write(handle, Buffer.alloc(50), 50);
    await raw.close(handle);
    expect(disk.operations).toEqual(['write', 'sync', 'write', 'sync', 'close']);
    expect(kit.closed).toHaveLength(1);
  });

  it('belongs to the newest session: what the older one still sends does not land', async () => {
    await using kit = await SftpKit.create();
    const file = kit.ticket('clip', 100);
    await using older = await RawClient.connect(kit);
    await using newer = await RawClient.connect(kit);
    const first = await older.open('clip');
    await older.write(first, Buffer.alloc(40, 1), 0);
    const second = await newer.open('clip');
    expect((await newer.stat('clip')).size).toBe(40);
    expect(await messageOf(older.write(first, Buffer.alloc(10, 9), 40))).toContain('taken over');
    await newer.write(second, Buffer.alloc(60, 2), 40);
    expect(await messageOf(older.close(first))).toContain('taken over');
    await newer.close(second);
    expect(await contentOf(file)).toEqual(Buffer.concat([Buffer.alloc(40, 1), Buffer.alloc(60, 2)]));
    expect(kit.closed).toHaveLength(1);
  });

  it('drops what still waits of a session that was replaced, however slow the disk is', async () => {
    const disk = new FaultyDisk();
    await using kit = await SftpKit.create({ disk });
    const file = kit.ticket('clip', 100_000);
    await using older = await RawClient.connect(kit);
    await using newer = await RawClient.connect(kit);
    let release = (): void => undefined;
    const first = await older.open('clip');
    disk.before = (operation) => {
      if (operation !== 'write') return undefined;
      disk.before = () => undefined;
      return new Promise((resolve) => (release = () => resolve(undefined)));
    };
    const stuck = statusOf(older.write(first, Buffer.alloc(10_000, 1), 0));
    const waiting = statusOf(older.write(first, Buffer.alloc(10_000, 9), 10_000));
    // The older session's requests are in before the newer one opens.
    await older.ask((answer) => older.sftp.realpath('.', answer));
    const opened = newer.open('clip');
    await newer.ask((answer) => newer.sftp.realpath('.', answer));
    release();
    const second = await opened;
    expect(await Promise.all([stuck, waiting])).toEqual([0, FAILURE]);
    expect((await newer.stat('clip')).size).toBe(10_000);
    await newer.write(second, Buffer.alloc(5, 2), 10_000);
    expect(await contentOf(file)).toEqual(Buffer.concat([Buffer.alloc(10_000, 1), Buffer.alloc(5, 2)]));
  });

  it('is let go when the session dies, up to the contiguous mark', async () => {
    await using kit = await SftpKit.create();
    const file = kit.ticket('clip', 100_000);
    const raw = await RawClient.connect(kit);
    const handle = await raw.open('clip');
    await raw.write(handle, Buffer.alloc(10_000, 1), 0);
    await raw[Symbol.asyncDispose]();
    await kit.stop();
    expect((await contentOf(file)).length).toBe(10_000);
  });

  it('can be taken from the vehicle for good', async () => {
    await using kit = await SftpKit.create();
    const file = kit.ticket('clip', 100);
    await using raw = await RawClient.connect(kit);
    const handle = await raw.open('clip');
    await raw.write(handle, Buffer.alloc(50), 0);
    kit.tickets.delete('clip');
    await kit.server.release(file);
    expect(await messageOf(raw.write(handle, Buffer.alloc(50), 50))).toContain('taken over');
    expect(await statusOf(raw.open('clip'))).toBe(NO_SUCH_FILE);
  });
});
