import { systemRandom } from '@gapless/shared/lifecycle';
import { generateSshKey } from '@gapless/shared/ssh';
import { describe, expect, it } from 'vitest';
import { CuttingProxy } from './support/cutting-proxy.js';
import { contentOf, never, sampleBytes, sha256, SftpKit, sourceOf } from './support/sftp-kit.js';

const BLOCK = 256 * 1024;

describe('an upload to central', () => {
  it('arrives byte for byte, with its hash', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(5_000_000);
    const file = kit.ticket('lens/clip.part', bytes.length);
    const progress: number[] = [];
    const { sentBytes } = await kit.uploader().upload({
      path: 'lens/clip.part',
      sizeBytes: bytes.length,
      offset: 0,
      read: sourceOf(bytes),
      signal: never(),
      onProgress: (acked) => progress.push(acked),
    });
    expect(sentBytes).toBe(bytes.length);
    expect(bytes.equals(await contentOf(file))).toBe(true);
    expect(kit.closed).toEqual([
      { user: 'bus-042', path: 'lens/clip.part', file, sizeBytes: bytes.length, sha256: sha256(bytes) },
    ]);
    expect(progress.at(-1)).toBe(bytes.length);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);
  });

  it('goes on from the offset of its ticket and reads nothing before it', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(1_000_000);
    const file = kit.ticket('clip', bytes.length, 0);
    const uploader = kit.uploader();
    const stop = new AbortController();
    const request = { path: 'clip', sizeBytes: bytes.length, offset: 0, read: sourceOf(bytes) };
    await expect(
      uploader.upload({
        ...request,
        signal: stop.signal,
        onProgress: (acked) => {
          if (acked > 300_000) stop.abort(new Error('enough'));
        },
      }),
    ).rejects.toThrow('enough');
    kit.ticket('clip', bytes.length, BLOCK);
    const asked: number[] = [];
    const { sentBytes } = await uploader.upload({
      ...request,
      offset: BLOCK,
      signal: never(),
      read: (from) => {
        asked.push(from);
        return sourceOf(bytes)(from);
      },
    });
    expect(asked).toEqual([BLOCK]);
    expect(sentBytes).toBe(bytes.length - BLOCK);
    expect(bytes.equals(await contentOf(file))).toBe(true);
    expect(kit.closed.map((upload) => upload.sha256)).toEqual([sha256(bytes)]);
  });

  it('shares one connection with others, however many at a time', async () => {
    await using kit = await SftpKit.create();
    await using proxy = await CuttingProxy.start(kit.port);
    const uploader = kit.uploader({}, kit.endpoint(proxy.port));
    const sizes = Array.from({ length: 40 }, (_, n) => 1 + n * 10_007);
    await Promise.all(
      sizes.map((sizeBytes, n) => {
        const bytes = sampleBytes(sizeBytes, n + 1);
        kit.ticket(`clip${n}`, sizeBytes);
        return uploader.upload({
          path: `clip${n}`,
          sizeBytes,
          offset: 0,
          read: sourceOf(bytes),
          signal: never(),
        });
      }),
    );
    expect(proxy.connections).toBe(1);
    expect(kit.closed.map((upload) => upload.sha256).sort()).toEqual(
      sizes.map((sizeBytes, n) => sha256(sampleBytes(sizeBytes, n + 1))).sort(),
    );
  });

  it('gives side by side uploads even parts of the link', async () => {
    await using kit = await SftpKit.create();
    const uploader = kit.uploader();
    const bytes = sampleBytes(8_000_000);
    const acked = [0, 0, 0];
    let spread = 0;
    await Promise.all(
      acked.map((_, n) => {
        kit.ticket(`clip${n}`, bytes.length);
        return uploader.upload({
          path: `clip${n}`,
          sizeBytes: bytes.length,
          offset: 0,
          read: sourceOf(bytes),
          signal: never(),
          onProgress: (ackedBytes) => {
            acked[n] = ackedBytes;
            if (Math.min(...acked) > 1_000_000 && Math.max(...acked) < 7_000_000)
              spread = Math.max(spread, Math.max(...acked) - Math.min(...acked));
          },
        });
      }),
    );
    expect(spread).toBeGreaterThan(0);
    expect(spread).toBeLessThan(3_000_000);
  });

  it('fails for good when the artifact is shorter than promised', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(100_000);
    kit.ticket('clip', bytes.length + 1);
    await expect(
      kit.uploader().upload({
        path: 'clip',
        sizeBytes: bytes.length + 1,
        offset: 0,
        read: sourceOf(bytes),
        signal: never(),
      }),
    ).rejects.toMatchObject({ code: 'UPLOAD_SOURCE_SHORT', kind: 'data-loss' });
    expect(kit.closed).toEqual([]);
  });

  it('hands on what reading the artifact fails with, and stays usable', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(100_000);
    kit.ticket('clip', bytes.length);
    const uploader = kit.uploader();
    const request = { path: 'clip', sizeBytes: bytes.length, offset: 0, signal: never() };
    await expect(
      uploader.upload({
        ...request,
        // eslint-disable-next-line require-yield
        read: async function* () {
          throw new Error('the card is gone');
        },
      }),
    ).rejects.toThrow('the card is gone');
    await uploader.upload({ ...request, read: sourceOf(bytes) });
    expect(kit.closed).toHaveLength(1);
  });

  it('is refused without a ticket, and says so in kind', async () => {
    await using kit = await SftpKit.create();
    await expect(
      kit.uploader().upload({
        path: 'clip',
        sizeBytes: 10,
        offset: 0,
        read: sourceOf(sampleBytes(10)),
        signal: never(),
      }),
    ).rejects.toMatchObject({ code: 'UPLOAD_TICKET_UNKNOWN', kind: 'not-found' });
  });

  it('stops at once when told to, even while the server is silent', async () => {
    await using kit = await SftpKit.create();
    await using proxy = await CuttingProxy.start(kit.port);
    const uploader = kit.uploader({}, kit.endpoint(proxy.port));
    const bytes = sampleBytes(3_000_000);
    kit.ticket('clip', bytes.length);
    const stop = new AbortController();
    const running = uploader.upload({
      path: 'clip',
      sizeBytes: bytes.length,
      offset: 0,
      read: sourceOf(bytes),
      signal: stop.signal,
      onProgress: () => {
        proxy.goSilent();
        stop.abort(new Error('told to'));
      },
    });
    await expect(running).rejects.toThrow('told to');
  });
});

describe('who the uploader talks to', () => {
  it('sends nothing, not even its name, to a server with another host key', async () => {
    await using kit = await SftpKit.create();
    const other = generateSshKey(systemRandom);
    const request = {
      path: 'clip',
      sizeBytes: 10,
      offset: 0,
      read: sourceOf(sampleBytes(10)),
      signal: never(),
    };
    kit.ticket('clip', 10);
    const uploader = kit.uploader({}, { ...kit.endpoint(), hostKeys: [other.fingerprint] });
    await expect(uploader.upload(request)).rejects.toMatchObject({
      code: 'SFTP_HOST_KEY_MISMATCH',
      kind: 'permission',
      hint: expect.stringContaining('claim the vehicle again') as string,
    });
    expect(kit.authentications).toBe(0);
    // The next ticket names the right one beside others.
    uploader.setEndpoint({ ...kit.endpoint(), hostKeys: [other.fingerprint, kit.hostKey.fingerprint] });
    await uploader.upload(request);
    expect(kit.closed).toHaveLength(1);
  });

  it('says in kind that its key is not accepted', async () => {
    await using kit = await SftpKit.create();
    const uploader = kit.uploader({ login: { privateKey: generateSshKey(systemRandom).privateKey } });
    await expect(
      uploader.upload({
        path: 'clip',
        sizeBytes: 10,
        offset: 0,
        read: sourceOf(sampleBytes(10)),
        signal: never(),
      }),
    ).rejects.toMatchObject({ code: 'SFTP_KEY_REFUSED', kind: 'permission' });
  });

  it('changes servers with the ticket', async () => {
    await using first = await SftpKit.create();
    await using second = await SftpKit.create();
    const uploader = first.uploader();
    const request = {
      path: 'clip',
      sizeBytes: 10,
      offset: 0,
      read: sourceOf(sampleBytes(10)),
      signal: never(),
    };
    first.ticket('clip', 10);
    await uploader.upload(request);
    second.tickets.set('clip', { file: `${second.directory}/clip`, sizeBytes: 10, offset: 0 });
    await second.stop();
    await second.start({
      hostKeys: [first.hostKey.privateKey],
      access: { isAuthorised: () => true, target: (_, path) => second.tickets.get(path) },
    });
    uploader.setEndpoint({ ...first.endpoint(), port: second.port });
    await uploader.upload(request);
    expect([first.closed.length, second.closed.length]).toEqual([1, 1]);
  });

  it('gives up, retryably, when the server cannot be reached for long', async () => {
    await using kit = await SftpKit.create();
    const endpoint = kit.endpoint();
    await kit.stop();
    await expect(
      kit.uploader({ patienceMs: 100 }, endpoint).upload({
        path: 'clip',
        sizeBytes: 10,
        offset: 0,
        read: sourceOf(sampleBytes(10)),
        signal: never(),
      }),
    ).rejects.toMatchObject({ code: 'SFTP_UNREACHABLE', kind: 'unavailable' });
  });
});

describe('holding an upload back', () => {
  it('pauses at the end of a block and goes on where it was', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(20 * BLOCK + 5);
    const file = kit.ticket('clip', bytes.length);
    const uploader = kit.uploader();
    let pausedAt = -1;
    let last = 0;
    const running = uploader.upload({
      path: 'clip',
      sizeBytes: bytes.length,
      offset: 0,
      read: sourceOf(bytes),
      signal: never(),
      onProgress: (acked) => {
        last = acked;
        if (acked < 5 * BLOCK || pausedAt >= 0) return;
        pausedAt = acked;
        uploader.pause();
      },
    });
    await expect.poll(() => uploader.stats.inFlightBytes === 0 && pausedAt > 0, { interval: 20 }).toBe(true);
    expect(last % BLOCK).toBe(0);
    expect(last).toBeLessThan(20 * BLOCK);
    expect((await contentOf(file)).length).toBe(last);
    uploader.resume();
    await running;
    expect(kit.closed.map((upload) => upload.sha256)).toEqual([sha256(bytes)]);
  });

  it('keeps to a rate', async () => {
    await using kit = await SftpKit.create();
    const bytes = sampleBytes(1_000_000);
    kit.ticket('clip', bytes.length);
    const uploader = kit.uploader();
    uploader.setRateLimit(1_000_000);
    const startedMs = performance.now();
    await uploader.upload({
      path: 'clip',
      sizeBytes: bytes.length,
      offset: 0,
      read: sourceOf(bytes),
      signal: never(),
    });
    const seconds = (performance.now() - startedMs) / 1000;
    // A quarter of a second's worth may go at once.
    expect(seconds).toBeGreaterThan(0.65);
    expect(kit.closed).toHaveLength(1);
  });
});
