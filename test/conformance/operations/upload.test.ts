import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { UploadEventLine, UploadReply } from '../../../packages/edge-agent/src/control/index.js';
import { Place } from '../../support/edge/recordings.js';
import { hasSshd } from '../../support/peers/openssh.js';
import { DeliverKit } from '../deliver/support/deliver-kit.js';
import { sampleBytes, sha256, SftpKit, VEHICLE } from '../sftp/support/sftp-kit.js';
import type { Spoken } from './support/operated-place.js';
import { OperatedPlace } from './support/operated-place.js';

describe.skipIf(!hasSshd)('gapless-edge upload', () => {
  let kit: DeliverKit;
  let operated: OperatedPlace;
  let n = 0;
  beforeAll(async () => {
    kit = await DeliverKit.create();
    operated = await OperatedPlace.start(await Place.make(), { uploads: kit.uploads });
  });
  afterEach(() => {
    operated.isTty = false;
  });
  afterAll(async () => {
    await operated[Symbol.asyncDispose]();
    await kit[Symbol.asyncDispose]();
  });

  const upload = (...words: readonly string[]): Promise<Spoken> =>
    operated.run('upload', ...words, '--host-key', kit.hostKey.fingerprint, '--identity', kit.identityFile);
  const fresh = (bytes: Buffer): Promise<string> => kit.file(`f${n++}.bin`, bytes);

  it('uploads a file, and says what lies where', async () => {
    const bytes = sampleBytes(400_000);
    const path = await fresh(bytes);
    const { exitCode, stdout } = await upload(path, '--to', kit.url('said/'));
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`verified  0.4 MB  ${path}  ${kit.inbox}/said/`);
    expect((await readFile(join(kit.inbox, 'said', path.split('/').at(-1)!))).equals(bytes)).toBe(true);
  });

  it('tells a program every change, and in the end all of it', async () => {
    const bytes = sampleBytes(300_000);
    const path = await fresh(bytes);
    const { exitCode, stdout, stderr } = await upload('--json', path, '--to', kit.url('told/'));
    expect([exitCode, stderr]).toEqual([0, '']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as UploadEventLine | UploadReply);
    expect(lines.at(-1)).toMatchObject({
      state: 'done',
      items: [{ state: 'verified', sha256: sha256(bytes), bytes: 300_000 }],
    });
    const states = lines.flatMap((line) => ('event' in line && line.event === 'item' ? line.state : []));
    expect([...new Set(states)].slice(-4)).toEqual(['hashing', 'sending', 'proving', 'verified']);
  });

  it('draws its progress on a terminal', async () => {
    operated.isTty = true;
    const { stderr } = await upload(await fresh(sampleBytes(300_000)), '--to', kit.url('drawn/'));
    expect(stderr).toContain('\r');
    expect(stderr).toMatch(/100 % {2}0\.3 MB of 0\.3 MB/);
  });

  it('ends with 5 when only some arrived', async () => {
    const [one, other] = [await fresh(sampleBytes(10)), await fresh(sampleBytes(20))];
    await upload(one, '--to', kit.url('some/'));
    const { exitCode, stdout } = await upload(one, other, '--to', kit.url('some/'));
    expect(exitCode).toBe(5);
    expect(stdout).toContain('is there already on the server');
  });

  it('ends as its only failure would', async () => {
    const path = await fresh(sampleBytes(10));
    await upload(path, '--to', kit.url('once/'));
    const again = await upload(path, '--to', kit.url('once/'));
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain('hint: Choose another path');
    const key = `SHA256:${'A'.repeat(43)}`;
    const words = ['upload', path, '--to', kit.url('k/'), '--host-key', key, '--identity', kit.identityFile];
    const stranger = await operated.run(...words);
    expect(stranger.exitCode).toBe(3);
    expect(stranger.stderr).toContain('Nothing was sent, and nobody logged in');
  });

  it('does not wait unless it is to, and is found again', async () => {
    const started = await upload(
      '--json',
      '--no-wait',
      await fresh(sampleBytes(10)),
      '--to',
      kit.url('later/'),
    );
    const { id } = JSON.parse(started.stdout) as UploadReply;
    const followed = await operated.run('--json', 'uploads', id, '--wait');
    expect(followed.exitCode).toBe(0);
    const listed = await operated.run('uploads');
    expect(listed.stdout.split('\n')[1]).toContain(id);
    const cancelled = await operated.run('uploads', id, '--cancel');
    expect(cancelled.exitCode).toBe(1);
    expect(cancelled.stderr).toContain('has ended: done');
  });

  it.each([
    [['a.bin'], 'it is not said where to upload to'],
    [['a.bin', '--to', '-5m'], 'it is not said where to upload to'],
    [['--to', 'sftp://a@b/', '--to', 'sftp://a@c/'], '--to is given too often'],
    [['--to', 'sftp://a@b/'], 'sources'],
    [['--to', 'sftp://a@b/', '--lens', 'front'], '--lens needs --from'],
    [['--to', 'sftp://a@b/', '--from', '-5m'], 'those of --lens'],
    [['a.bin', '--to', 'sftp://a@b/', '--rate', '2mbps'], 'not a rate'],
    [['a.bin', '--to', 'sftp://a@b/', '--token', 'case'], 'not NAME=VALUE'],
    [['a.bin', '--to', 'sftp://a@b/', '--concurrency', 'many'], 'concurrency'],
    [['a.bin', '--to', 'sftp://a:b@c/'], 'holds a password'],
    [['a.bin', '--to', 'ftp://a@c/'], 'not an address'],
  ])('refuses %j as wrong usage', async (words, said) => {
    const { exitCode, stderr } = await upload(...words);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(said)]);
  });

  it('wants a login, and a host key', async () => {
    const path = await fresh(sampleBytes(10));
    const words = ['upload', path, '--to', kit.url('')];
    expect((await operated.run(...words, '--host-key', kit.hostKey.fingerprint)).stderr).toContain(
      '--identity',
    );
    const { exitCode, stderr } = await operated.run(...words, '--identity', kit.identityFile);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('ssh-keyscan');
  });

  it('shows no secret in what it says', async () => {
    const passwordFile = join(kit.place.root, 'password');
    await writeFile(passwordFile, 'hunter2', { mode: 0o600 });
    const path = await fresh(sampleBytes(10));
    const words = ['upload', path, '--to', kit.url('p/'), '--host-key', kit.hostKey.fingerprint];
    const { exitCode, stdout, stderr } = await operated.run(
      '--json',
      ...words,
      '--password-file',
      passwordFile,
    );
    expect(exitCode).toBe(3);
    expect(stdout + stderr).not.toContain('hunter2');
  });

  it('answers over the socket with the events as they come', async () => {
    const path = await fresh(sampleBytes(10));
    const id = await kit.accept([path], { url: kit.url('socket/') });
    const body = await new Promise<string>((resolve, reject) => {
      const asked = request({
        socketPath: operated.socketPath,
        path: `/v1/uploads/${id}/events`,
        agent: false,
      });
      asked.once('error', reject);
      asked.once('response', (reply) => {
        expect(reply.headers['content-type']).toBe('application/x-ndjson');
        text(reply).then(resolve, reject);
      });
      asked.end();
    });
    const events = body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as UploadEventLine);
    expect(events.at(-1)).toMatchObject({ event: 'upload', id, state: 'done' });
  });

  it('is refused by central’s own server, which takes what it has asked for', async () => {
    await using central = await SftpKit.create();
    const identityFile = join(kit.place.root, 'vehicle-key');
    await writeFile(identityFile, central.vehicleKey.privateKey, { mode: 0o600 });
    const { items } = await kit.upload([await fresh(sampleBytes(10))], {
      url: `sftp://${VEHICLE}@127.0.0.1:${central.port}/in/`,
      hostKeys: [central.hostKey.fingerprint],
      login: { identityFile },
    });
    expect(items).toMatchObject([{ state: 'failed', reason: { code: 'UPLOAD_REFUSED' } }]);
  });
});
