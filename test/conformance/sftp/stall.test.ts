import { describe, expect, it } from 'vitest';
import { MAX_WINDOW_BYTES } from '../../../packages/edge-agent/src/upload/window-policy.js';
import { CuttingProxy } from './support/cutting-proxy.js';
import { contentOf, never, sampleBytes, sha256, SftpKit, sourceOf } from './support/sftp-kit.js';

const MIB = 1024 * 1024;
/** The product's times, ten times as fast. */
const quick = { watchMs: 25, doubtMs: 100, stallMs: 300, stuckMs: 6000, everyMs: 50, maxPending: 4 };

interface Scene extends AsyncDisposable {
  readonly kit: SftpKit;
  readonly proxy: CuttingProxy;
  readonly events: string[];
  /** Resolves when the events so far contain this one. */
  readonly seen: (event: string) => Promise<void>;
  readonly upload: (onProgress: (acked: number) => void) => Promise<{ sentBytes: number }>;
  readonly kick: () => void;
  readonly check: () => Promise<void>;
}

async function scene(
  options: { timing?: typeof quick; localAddresses?: () => ReadonlySet<string> } = {},
): Promise<Scene> {
  const kit = await SftpKit.create();
  const proxy = await CuttingProxy.start(kit.port);
  const bytes = sampleBytes(8 * MIB);
  const file = kit.ticket('clip', bytes.length);
  const events: string[] = [];
  const uploader = kit.uploader(
    {
      timing: quick,
      events: {
        onConnected: () => events.push('connected'),
        onStalled: () => events.push('stalled'),
        onRecovered: () => events.push('recovered'),
        onLost: (error) => events.push(`lost: ${error.message}`),
      },
      ...options,
    },
    kit.endpoint(proxy.port),
  );
  return {
    kit,
    proxy,
    events,
    seen: (event) => expect.poll(() => events, { interval: 10, timeout: 10_000 }).toContain(event),
    upload: (onProgress) =>
      uploader.upload({
        path: 'clip',
        sizeBytes: bytes.length,
        offset: 0,
        read: sourceOf(bytes),
        signal: never(),
        onProgress,
      }),
    kick: () => uploader.kick(),
    check: async () => {
      expect(bytes.equals(await contentOf(file))).toBe(true);
      expect(kit.closed.at(-1)?.sha256).toBe(sha256(bytes));
    },
    [Symbol.asyncDispose]: async () => {
      await uploader[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      await kit[Symbol.asyncDispose]();
    },
  };
}

/** Lets the link die once an upload is past `atBytes`. */
function dyingAt(proxy: CuttingProxy, atBytes: number): (acked: number) => void {
  let died = false;
  return (acked) => {
    if (died || acked < atBytes) return;
    died = true;
    proxy.goSilent();
  };
}

describe('an upload over a link that falls silent', () => {
  it('goes on over the first new connection that stands, from what the server holds', async () => {
    await using s = await scene();
    const running = s.upload(dyingAt(s.proxy, 2 * MIB));
    await s.seen('stalled');
    const attempts = s.proxy.connections;
    await expect.poll(() => s.proxy.connections, { interval: 10 }).toBeGreaterThan(attempts + 1);
    s.proxy.comeBackForNew();
    const { sentBytes } = await running;
    expect(s.events).toEqual(['connected', 'stalled', 'connected']);
    expect(sentBytes - 8 * MIB).toBeLessThanOrEqual(MAX_WINDOW_BYTES);
    await s.check();
  });

  it('goes on over the old connection if that one moves first, and sends nothing twice', async () => {
    await using s = await scene();
    const running = s.upload(dyingAt(s.proxy, 2 * MIB));
    await s.seen('stalled');
    s.proxy.comeBackForOld();
    const { sentBytes } = await running;
    expect(s.events).toEqual(['connected', 'stalled', 'recovered']);
    expect(sentBytes).toBe(8 * MIB);
    await s.check();
  });

  it('dials at once when told that the link is back', async () => {
    await using s = await scene({ timing: { ...quick, everyMs: 60_000, maxPending: 1 } });
    const running = s.upload(dyingAt(s.proxy, 2 * MIB));
    await s.seen('stalled');
    await expect.poll(() => s.proxy.connections, { interval: 10 }).toBe(2);
    s.proxy.comeBackForNew();
    // The one attempt under way began while the link was dead, and the next is a minute off.
    s.kick();
    await running;
    expect(s.events).toEqual(['connected', 'stalled', 'connected']);
    await s.check();
  });

  it('gives the old connection up at once when its address is gone from the machine', async () => {
    let addresses = new Set(['127.0.0.1', '::ffff:127.0.0.1']);
    await using s = await scene({ timing: { ...quick, stallMs: 60_000 }, localAddresses: () => addresses });
    const running = s.upload((acked) => {
      if (acked < 2 * MIB || addresses.has('10.0.0.7')) return;
      s.proxy.goSilent();
      addresses = new Set(['10.0.0.7']);
      s.proxy.comeBackForNew();
    });
    await running;
    expect(s.events).toEqual([
      'connected',
      'lost: the address 127.0.0.1 is gone from this machine',
      'connected',
    ]);
    await s.check();
  });

  it('does not take a server whose disk is slow for a dead link', async () => {
    await using s = await scene();
    await s.kit.stop();
    const { FaultyDisk } = await import('./support/faulty-disk.js');
    const disk = new FaultyDisk();
    let isSlow = true;
    disk.before = async () => {
      if (isSlow) await new Promise((resolve) => setTimeout(resolve, 700));
      isSlow = false;
      return undefined;
    };
    await s.kit.start({ disk });
    s.proxy.retarget(s.kit.port);
    await s.upload(() => undefined);
    expect(s.events).toEqual(['connected']);
    await s.check();
  });
});
