import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { env as environment } from 'node:process';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../time/index.js';
import { systemdNotify } from './notify-process.js';
import { ServiceManager } from './service-manager.js';

const SOCKET = { NOTIFY_SOCKET: '/run/systemd/notify' };

function scene(env: Record<string, string>, answer?: string) {
  const clock = new SimulatedClock(0);
  const told: string[] = [];
  const troubles: string[] = [];
  const manager = new ServiceManager({
    ...{ env, clock, onTrouble: (why) => troubles.push(why) },
    notify: (states) => {
      told.push(states.join(' '));
      return Promise.resolve(answer);
    },
  });
  return { clock, told, troubles, manager };
}

describe('ServiceManager', () => {
  it('tells systemd that the daemon is ready and that it stops', async () => {
    const { told, manager } = scene(SOCKET);
    await manager.ready('3 lenses');
    await manager.stopping();
    expect(told).toEqual(['READY=1 STATUS=3 lenses', 'STOPPING=1']);
  });

  it('says nothing when nobody asked', async () => {
    const { told, manager } = scene({ WATCHDOG_USEC: '60000000' });
    await manager.ready('up');
    await manager.keepAlive(new AbortController().signal);
    expect(told).toEqual([]);
  });

  it('gives signs of life twice as often as they are wanted, until the stop', async () => {
    const { clock, told, manager } = scene({ ...SOCKET, WATCHDOG_USEC: '60000000' });
    const stop = new AbortController();
    const living = manager.keepAlive(stop.signal);
    await clock.advance(29_999);
    expect(told).toEqual([]);
    for (let turn = 0; turn < 3; turn++) await clock.advance(30_000);
    expect(told).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
    stop.abort();
    await living;
  });

  it('says when systemd could not be told, and goes on', async () => {
    const { troubles, manager } = scene(SOCKET, 'no such socket');
    await manager.ready('up');
    expect(troubles).toEqual(['no such socket']);
  });
});

/** Whether systemd's tool is there to be started. */
const hasTool = !(await systemdNotify({ ...environment, NOTIFY_SOCKET: '' })(['--booted']))?.includes(
  'ENOENT',
);

describe('systemdNotify', () => {
  it.skipIf(!hasTool)('says why a message was not taken', async () => {
    const notify = systemdNotify({ ...environment, NOTIFY_SOCKET: '/nowhere/notify' });
    expect(await notify(['READY=1'])).toMatch(/No such file/);
  });

  it.skipIf(!hasTool)('reaches a socket of the kind that systemd listens on', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'gapless-notify-'));
    const path = join(directory, 'notify');
    // The barrier that follows each message is lifted when the descriptor that comes with it is dropped.
    const script =
      'import socket, sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\n' +
      'print("bound", flush=True)\nwhile True:\n  print(s.recv(4096).decode().replace("\\n", " "), flush=True)';
    const listener = spawn('python3', ['-c', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]();
    try {
      expect((await lines.next()).value).toBe('bound');
      expect(await systemdNotify({ ...environment, NOTIFY_SOCKET: path })(['READY=1'])).toBeUndefined();
      expect((await lines.next()).value).toContain('READY=1');
    } finally {
      listener.kill();
      await rm(directory, { recursive: true });
    }
  });
});
