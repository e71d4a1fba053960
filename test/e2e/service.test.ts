import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { owned } from '@gapless/harness/children';
import { Daemon, scripts } from '@gapless/harness/daemon';
import { configureVehicle } from '@gapless/harness/fleet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../scripts/debian.mjs';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';

/** What systemd does: binds a datagram socket and reads. Node cannot. */
const LISTENER = [
  'import socket, sys',
  's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)',
  's.bind(sys.argv[1])',
  'print("bound", flush=True)',
  'while True: print(s.recv(4096).decode().replace("\\n", " "), flush=True)',
].join('\n');

describe.skipIf(findProgram('systemd-notify') === undefined || findProgram('python3') === undefined)(
  'a daemon that systemd started',
  () => {
    let dir: string;
    let env: Record<string, string>;
    let stopListening: () => void;
    let told: AsyncIterator<string, undefined>;

    /** The next message of that kind; other kinds may come before it. */
    async function next(kind: RegExp): Promise<string> {
      for (;;) {
        const { value, done } = await told.next();
        if (done) throw new Error(`never told: ${kind}`);
        if (kind.test(value)) return value;
      }
    }

    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'gapless-service-'));
      env = { NOTIFY_SOCKET: join(dir, 'notify'), WATCHDOG_USEC: '400000' };
      const listener = owned(
        spawn('python3', ['-c', LISTENER, env['NOTIFY_SOCKET']!], { stdio: ['ignore', 'pipe', 'inherit'] }),
      );
      stopListening = () => listener.kill();
      told = createInterface({ input: listener.stdout })[Symbol.asyncIterator]() as AsyncIterator<
        string,
        undefined
      >;
      await next(/^bound$/);
    });
    afterEach(async () => {
      stopListening();
      await rm(dir, { recursive: true });
    });

    it('says when the agent is ready, that it lives, and that it stops', async () => {
      const { configPath } = await configureVehicle({
        ...{ dir, name: 'bus-042', ffmpeg: FFMPEG, centralUrl: 'ws://127.0.0.1:1' },
        lenses: { front: { input: 'test:320x240@10' } },
      });
      const args = ['run', '--config', configPath];
      const { daemon } = await Daemon.start({ script: scripts.edge, args, env, until: 'recording' });
      expect(await next(/READY=1/)).toContain('STATUS=lenses: front');
      await next(/WATCHDOG=1/);
      await next(/WATCHDOG=1/);
      const stopped = daemon.stop();
      await next(/STOPPING=1/);
      expect(await stopped).toBe(0);
    });

    it('says the same of central', async () => {
      const args = ['run', '--data', join(dir, 'central'), '--http', '127.0.0.1:0', '--sftp', '127.0.0.1:0'];
      const { daemon } = await Daemon.start({ script: scripts.central, args, env, until: 'listening' });
      expect(await next(/READY=1/)).toContain('STATUS=listening on http://127.0.0.1:');
      await next(/WATCHDOG=1/);
      const stopped = daemon.stop();
      await next(/STOPPING=1/);
      expect(await stopped).toBe(0);
    });
  },
);
