import { afterEach, describe, expect, it } from 'vitest';
import { MAX_WINDOW_BYTES } from '../../../packages/edge-agent/src/upload/window-policy.js';
import { CuttingProxy } from './support/cutting-proxy.js';
import { contentOf, never, sampleBytes, sha256, SftpKit, sourceOf } from './support/sftp-kit.js';
import { seededRandom } from './support/seeded-random.js';

const MIB = 1024 * 1024;
const eager = { watchMs: 250, doubtMs: 1000, stallMs: 3000, stuckMs: 60_000, everyMs: 5, maxPending: 2 };

const seed = Number(process.env['SFTP_SEED'] ?? Date.now() % 1_000_000);

describe('an upload whose connection is killed at random bytes', () => {
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.error(`SFTP_SEED=${seed}`);
  });

  it('arrives byte for byte after 100 kills of the connection, with at most a window sent twice each time', async () => {
    const random = seededRandom(seed);
    await using kit = await SftpKit.create({ sessionsPerVehicle: 64 });
    await using proxy = await CuttingProxy.start(kit.port);
    const bytes = sampleBytes(24 * MIB, seed);
    const file = kit.ticket('clip', bytes.length);
    let kills = 0;
    // Some die in the handshake, some with the first writes, most in the middle.
    proxy.nextBudgetBytes = () =>
      kills++ < 100 ? Math.floor(random() ** 2 * 700_000) : Number.POSITIVE_INFINITY;
    const uploader = kit.uploader({ timing: eager, random: eagerRandom }, kit.endpoint(proxy.port));
    let resentBytes = 0;
    let highest = 0;
    const { sentBytes } = await uploader.upload({
      path: 'clip',
      sizeBytes: bytes.length,
      offset: 0,
      read: (from) => {
        resentBytes = Math.max(resentBytes, highest - from);
        return sourceOf(bytes)(from);
      },
      signal: never(),
      onProgress: (acked) => (highest = Math.max(highest, acked)),
    });
    expect(kills).toBeGreaterThan(100);
    expect(bytes.equals(await contentOf(file))).toBe(true);
    expect(kit.closed.at(-1)?.sha256).toBe(sha256(bytes));
    // What was acknowledged is never sent again, and what was on its way is bounded by the window.
    expect(resentBytes).toBe(0);
    expect(sentBytes - bytes.length).toBeLessThan(kills * MAX_WINDOW_BYTES);
  });

  it('arrives byte for byte when the agent itself is killed and begins anew with a fresh ticket', async () => {
    const random = seededRandom(seed + 1);
    await using kit = await SftpKit.create({ sessionsPerVehicle: 64 });
    const bytes = sampleBytes(12 * MIB, seed);
    const file = kit.ticket('clip', bytes.length);
    let offset = 0;
    for (let run = 0; kit.closed.length === 0; run++) {
      const uploader = kit.uploader();
      const killAt = run < 30 ? offset + Math.floor(random() * 800_000) : Number.POSITIVE_INFINITY;
      const running = uploader.upload({
        path: 'clip',
        sizeBytes: bytes.length,
        offset,
        read: sourceOf(bytes),
        signal: never(),
        onProgress: (acked) => {
          if (acked >= killAt) void uploader[Symbol.asyncDispose]();
        },
      });
      await running.catch(() => undefined);
      // Central looks at what it has and vouches for whole blocks of it.
      const held = (await contentOf(file)).length;
      offset = Math.min(held - (held % (256 * 1024)), bytes.length);
      kit.ticket('clip', bytes.length, offset);
    }
    expect(bytes.equals(await contentOf(file))).toBe(true);
    // Killed between its last byte and the answer to its close, an agent sends the close once more:
    // central may hear of the same upload twice, and never of another.
    expect(new Set(kit.closed.map((upload) => upload.sha256))).toEqual(new Set([sha256(bytes)]));
  });

  it('arrives byte for byte though central is restarted in the middle, several times', async () => {
    const random = seededRandom(seed + 2);
    await using kit = await SftpKit.create();
    await using proxy = await CuttingProxy.start(kit.port);
    const bytes = sampleBytes(16 * MIB, seed);
    const file = kit.ticket('clip', bytes.length);
    const uploader = kit.uploader({ timing: eager, random: eagerRandom }, kit.endpoint(proxy.port));
    let restartAt = 0;
    let restarts = 0;
    let restarting: Promise<void> | undefined;
    const restart = async (): Promise<void> => {
      await kit.stop();
      // After its restart central vouches for whole blocks; what lies behind them is cut off.
      const held = (await contentOf(file)).length;
      kit.ticket('clip', bytes.length, held - (held % (256 * 1024)));
      await kit.start();
      proxy.retarget(kit.port);
      restartAt += Math.floor(random() * 3 * MIB);
      restarts++;
      restarting = undefined;
    };
    await uploader.upload({
      path: 'clip',
      sizeBytes: bytes.length,
      offset: 0,
      read: sourceOf(bytes),
      signal: never(),
      onProgress: (acked) => {
        if (restarts < 8 && acked >= restartAt) restarting ??= restart();
      },
    });
    await restarting;
    expect(restarts).toBeGreaterThan(2);
    expect(bytes.equals(await contentOf(file))).toBe(true);
    expect(kit.closed.at(-1)?.sha256).toBe(sha256(bytes));
  });

  it('with several uploads on the connection loses none of them', async () => {
    const random = seededRandom(seed + 3);
    await using kit = await SftpKit.create({ sessionsPerVehicle: 64 });
    await using proxy = await CuttingProxy.start(kit.port);
    let kills = 0;
    proxy.nextBudgetBytes = () => (kills++ < 30 ? Math.floor(random() * 900_000) : Number.POSITIVE_INFINITY);
    const uploader = kit.uploader({ timing: eager, random: eagerRandom }, kit.endpoint(proxy.port));
    const files = Array.from({ length: 6 }, (_, n) => ({
      path: `clip${n}`,
      bytes: sampleBytes(1 + Math.floor(random() * 3 * MIB), seed + n),
    }));
    await Promise.all(
      files.map(({ path, bytes }) => {
        kit.ticket(path, bytes.length);
        return uploader.upload({
          path,
          sizeBytes: bytes.length,
          offset: 0,
          read: sourceOf(bytes),
          signal: never(),
        });
      }),
    );
    for (const { path, bytes } of files)
      expect(kit.closed.findLast((upload) => upload.path === path)?.sha256).toBe(sha256(bytes));
  });
});

/** No waiting before a dial: the tests have many. */
const eagerRandom = { bytes: (count: number) => new Uint8Array(count), fraction: () => 0 };
