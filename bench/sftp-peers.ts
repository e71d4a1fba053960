import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { SftpServer } from '@gapless/central/sftp/index';
import type { SftpEndpoint } from '@gapless/edge-agent/upload/index';
import { SftpUploader, systemLocalAddresses } from '@gapless/edge-agent/upload/index';
import { nodeDisk } from '@gapless/shared/fs';
import { systemRandom } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import { systemClock } from '@gapless/shared/time';

/**
 * The two ends of an SFTP upload as separate processes, so that each has a core of its own and can stand at either end of a
 * real or emulated link. Run by `sftp-loopback.ts` and `sftp-link.ts`, or by hand:
 *
 *     node sftp-peers.js serve '{"host":"0.0.0.0","port":2222,"echoPort":2223,"directory":"incoming","hostKey":"…"}'
 *     node sftp-peers.js send  '{"endpoint":{…},"privateKey":"…","file":"clip.mp4","path":"clip","sizeBytes":1000}'
 */
export interface ServeOptions {
  readonly host: string;
  readonly port: number;
  /** A TCP port that sends back what it gets, to measure what a control message meets; 0 for any. */
  readonly echoPort: number;
  readonly directory: string;
  /** File of the private host key. */
  readonly hostKey: string;
}

export interface SendOptions {
  readonly endpoint: SftpEndpoint;
  /** File of the private key. */
  readonly privateKey: string;
  readonly file: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** Sends the same file this often, over one connection, and reports the last time alone: 1 by default. */
  readonly times?: number;
  readonly rateBytesPerSec?: number;
  /** Also reports how far it is, this often. */
  readonly reportEveryMs?: number;
}

/** Serves until its standard input ends. Everybody may write anything: this is no server to leave running. */
export async function serve(options: ServeOptions): Promise<void> {
  await using server = await SftpServer.start({
    host: options.host,
    port: options.port,
    hostKeys: [await readFile(options.hostKey, 'utf8')],
    access: {
      isAuthorised: () => true,
      target: (_, path) => ({
        file: `${options.directory}/${path.replaceAll('/', '-')}`,
        sizeBytes: Number.MAX_SAFE_INTEGER,
        offset: 0,
      }),
    },
    events: {},
    disk: nodeDisk,
    clock: systemClock,
    log: createLog('bench', 'silent'),
  });
  const sockets = new Set<Socket>();
  const echo = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(options.echoPort, options.host, resolve));
  say({ port: server.address.port, echoPort: (echo.address() as AddressInfo).port });
  await new Promise<void>((resolve) => process.stdin.on('end', resolve).resume());
  echo.close();
  for (const socket of sockets) socket.destroy();
}

/** Sends one file and reports milliseconds (the first time connecting included), bytes and CPU time. */
export async function send(options: SendOptions): Promise<void> {
  const startedMs = performance.now();
  const at = (): number => Math.round(performance.now() - startedMs);
  say({ event: 'started', atMs: 0, epochMs: Date.now() });
  await using uploader = new SftpUploader({
    privateKey: await readFile(options.privateKey, 'utf8'),
    clock: systemClock,
    random: systemRandom,
    localAddresses: systemLocalAddresses,
    events: {
      onConnected: (tookMs) => say({ event: 'connected', atMs: at(), tookMs: Math.round(tookMs) }),
      onStalled: () => say({ event: 'stalled', atMs: at() }),
      onRecovered: () => say({ event: 'recovered', atMs: at() }),
      onLost: (error) => say({ event: 'lost', atMs: at(), message: error.message }),
    },
  });
  uploader.setEndpoint(options.endpoint);
  uploader.setRateLimit(options.rateBytesPerSec);
  let ackedBytes = 0;
  const reporter =
    options.reportEveryMs === undefined
      ? undefined
      : setInterval(
          () => say({ event: 'progress', atMs: at(), ackedBytes, ...uploader.stats }),
          options.reportEveryMs,
        );
  let sentBytes = 0;
  let beganMs = startedMs;
  for (let time = options.times ?? 1; time > 0; time--) {
    if (ackedBytes > 0) beganMs = performance.now();
    ({ sentBytes } = await uploader.upload({
      // Each time to a place of its own: cutting an old file off is not part of an upload either.
      path: time > 1 ? `${options.path}-${time}` : options.path,
      sizeBytes: options.sizeBytes,
      offset: 0,
      read: (start) => createReadStream(options.file, { start, highWaterMark: 1024 * 1024 }),
      signal: new AbortController().signal,
      onProgress: (acked) => (ackedBytes = acked),
    }));
  }
  const tookMs = performance.now() - beganMs;
  clearInterval(reporter);
  const { user, system } = process.cpuUsage();
  say({
    event: 'done',
    atMs: at(),
    tookMs: Math.round(tookMs),
    sentBytes,
    cpuMs: Math.round((user + system) / 1000),
    maxRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    ...uploader.stats,
  });
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [, , role, options] = process.argv;
if (role === 'serve') await serve(JSON.parse(options!) as ServeOptions);
if (role === 'send') await send(JSON.parse(options!) as SendOptions);
