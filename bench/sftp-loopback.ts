import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findPeer } from './peer.js';
import type { SendOptions, ServeOptions } from './sftp-peers.js';

/** One way of sending one file over loopback. */
export interface LoopbackRow {
  readonly client: 'gapless' | 'openssh';
  readonly server: 'gapless' | 'openssh';
  /** Of each round, OpenSSH's client with its start and its connecting, ours on the connection that it keeps. */
  readonly seconds: readonly number[];
  readonly mbPerSec: number;
  /** Against OpenSSH's client with OpenSSH's server, in the same run. */
  readonly ratio: number;
}

export interface LoopbackOptions {
  readonly sizeBytes: number;
  readonly rounds: number;
  /** A directory in memory, so that no disk is measured. */
  readonly scratch: string;
}

const SSHD = '/usr/sbin/sshd';
const PEERS = fileURLToPath(new URL('./sftp-peers.js', import.meta.url));
const CIPHER = 'aes128-gcm@openssh.com';

/** Sends the same file each way, the ways in turn, so that a busy moment of the machine meets all of them. */
export async function measureLoopback(options: LoopbackOptions): Promise<LoopbackRow[]> {
  const folder = await mkdtemp(join(options.scratch, 'sftp-loopback-'));
  const servers: ChildProcess[] = [];
  try {
    const bench = await prepare(folder, options.sizeBytes);
    const gaplessPort = await startGapless(bench, servers);
    const opensshPort = await startSshd(bench, servers);
    const ways = [
      { client: 'openssh', server: 'openssh', port: opensshPort },
      { client: 'gapless', server: 'gapless', port: gaplessPort },
      { client: 'openssh', server: 'gapless', port: gaplessPort },
      { client: 'gapless', server: 'openssh', port: opensshPort },
    ] as const;
    const seconds = new Map(ways.map((way) => [way, [] as number[]]));
    for (let round = 0; round <= options.rounds; round++)
      for (const way of ways) {
        const taken = await send(bench, way);
        // The first round warms caches up.
        if (round > 0) seconds.get(way)?.push(taken);
      }
    const rate = (way: (typeof ways)[number]): number =>
      options.sizeBytes / 1e6 / median(seconds.get(way) ?? []);
    return ways.map((way) => ({
      client: way.client,
      server: way.server,
      seconds: seconds.get(way) ?? [],
      mbPerSec: rate(way),
      ratio: rate(way) / rate(ways[0]),
    }));
  } finally {
    for (const server of servers) server.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Bench {
  readonly folder: string;
  readonly source: string;
  readonly sizeBytes: number;
  readonly hostKey: string;
  readonly fingerprint: string;
  readonly clientKey: string;
}

async function prepare(folder: string, sizeBytes: number): Promise<Bench> {
  const source = join(folder, 'source');
  const file = await open(source, 'w');
  for (let written = 0; written < sizeBytes; written += 1 << 20)
    await file.write(randomBytes(Math.min(1 << 20, sizeBytes - written)));
  await file.close();
  const hostKey = join(folder, 'host');
  const clientKey = join(folder, 'client');
  for (const key of [hostKey, clientKey])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const shown = execFileSync('ssh-keygen', ['-lf', `${hostKey}.pub`], { encoding: 'utf8' });
  return { folder, source, sizeBytes, hostKey, fingerprint: shown.split(' ')[1] ?? '', clientKey };
}

async function startGapless(bench: Bench, servers: ChildProcess[]): Promise<number> {
  const options: ServeOptions = {
    host: '127.0.0.1',
    port: 0,
    echoPort: 0,
    directory: bench.folder,
    hostKey: bench.hostKey,
  };
  const server = spawn(process.execPath, [PEERS, 'serve', JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  servers.push(server);
  for await (const line of createInterface({ input: server.stdout }))
    return (JSON.parse(line) as { port: number }).port;
  throw new Error('the server did not start');
}

async function startSshd(bench: Bench, servers: ChildProcess[]): Promise<number> {
  const port = await freePort();
  const config = join(bench.folder, 'sshd_config');
  const lines = [
    `ListenAddress 127.0.0.1`,
    `Port ${port}`,
    `HostKey ${bench.hostKey}`,
    `AuthorizedKeysFile ${bench.clientKey}.pub`,
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    'Subsystem sftp internal-sftp',
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  const server = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  servers.push(server);
  for await (const line of createInterface({ input: server.stderr })) if (line.includes('listening')) break;
  server.stderr.resume();
  return port;
}

async function send(
  bench: Bench,
  way: { readonly client: string; readonly server: string; readonly port: number },
): Promise<number> {
  const target = way.server === 'gapless' ? 'received' : join(bench.folder, 'received');
  await rm(join(bench.folder, 'received'), { force: true });
  const sendBy = way.client === 'gapless' ? sendGapless : sendOpenssh;
  const seconds = await sendBy(bench, way.port, target);
  const { size } = await stat(join(bench.folder, 'received'));
  if (size !== bench.sizeBytes) throw new Error(`${way.client} to ${way.server} sent ${size} bytes`);
  return seconds;
}

/** Takes the seconds from within: starting Node is not part of an upload. */
async function sendGapless(bench: Bench, port: number, path: string): Promise<number> {
  const options: SendOptions = {
    endpoint: { host: '127.0.0.1', port, user: userInfo().username, hostKeys: [bench.fingerprint] },
    privateKey: bench.clientKey,
    file: bench.source,
    path,
    sizeBytes: bench.sizeBytes,
    // An agent runs for months: what the compiler learns in its first seconds is not part of an upload.
    times: 2,
  };
  const said = await run(process.execPath, [PEERS, 'send', JSON.stringify(options)]);
  const lines = said.trim().split('\n');
  const done = lines.map((line) => JSON.parse(line) as { event: string; tookMs: number }).find(isDone);
  return (done?.tookMs ?? Number.NaN) / 1000;
}

function isDone(line: { readonly event: string }): boolean {
  return line.event === 'done';
}

async function sendOpenssh(bench: Bench, port: number, path: string): Promise<number> {
  const batch = join(bench.folder, 'batch');
  await writeFile(batch, `put ${bench.source} ${path}\n`);
  const settings = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    `Ciphers=${CIPHER}`,
  ];
  const flags = settings.flatMap((setting) => ['-o', setting]);
  const host = `${userInfo().username}@127.0.0.1`;
  const startedMs = performance.now();
  await run('sftp', ['-q', ...flags, '-i', bench.clientKey, '-P', String(port), '-b', batch, host]);
  return (performance.now() - startedMs) / 1000;
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return said;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sizeBytes = Number(process.argv[2] ?? 256) * 1024 * 1024;
  const rounds = Number(process.argv[3] ?? 5);
  if (!existsSync(SSHD) || findPeer('ssh', ['-V']) === undefined) {
    console.log('OpenSSH is not installed: nothing to compare with');
  } else {
    const rows = await measureLoopback({
      sizeBytes,
      rounds,
      scratch: existsSync('/dev/shm') ? '/dev/shm' : '/tmp',
    });
    for (const { client, server, seconds, mbPerSec, ratio } of rows)
      console.log(
        `${client.padEnd(8)} -> ${server.padEnd(8)} ${mbPerSec.toFixed(0).padStart(5)} MB/s  ` +
          `${ratio.toFixed(2)}  (${seconds.map((s) => s.toFixed(2)).join(' ')} s)`,
      );
  }
}
