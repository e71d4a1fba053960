// Four ways of sending one file over loopback: our agent's uploader and OpenSSH's sftp, into central's own SFTP server and
// into sshd. In memory, so that no disk is measured; in turn, so that a busy moment of the machine meets all of them.
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CentralSftp, runUpload } from './support/gapless-sftp.js';
import type { Keys } from './support/openssh.js';
import { makeKeys, opensshObstacle, runSftp, Sshd } from './support/openssh.js';
import { writeRandomFile } from './support/random-file.js';
import type { Report, Row } from './support/report.js';
import { print } from './support/report.js';
import { inScratch } from './support/scratch.js';
import { median } from './support/statistics.js';

const SIZE_BYTES = 512 * 1024 * 1024;
const ROUNDS = 5;
const HOST = '127.0.0.1';

interface Way {
  readonly client: 'gapless' | 'openssh';
  readonly server: 'gapless' | 'openssh';
}

const WAYS = {
  'sftp into sshd': { client: 'openssh', server: 'openssh' },
  'sftp into central': { client: 'openssh', server: 'gapless' },
  'our agent into sshd': { client: 'gapless', server: 'openssh' },
  'our agent into central': { client: 'gapless', server: 'gapless' },
} as const satisfies Readonly<Record<string, Way>>;

type WayName = keyof typeof WAYS;

interface Place {
  readonly keys: Keys;
  readonly source: string;
  readonly ports: Readonly<Record<Way['server'], number>>;
}

async function measure(dir: string): Promise<Report> {
  const keys = makeKeys(dir);
  await using central = await CentralSftp.start(keys, dir);
  await using sshd = await Sshd.start(keys);
  const place: Place = {
    keys,
    source: await writeRandomFile(join(dir, 'source'), SIZE_BYTES),
    ports: { gapless: central.port, openssh: sshd.port },
  };
  const names = Object.keys(WAYS) as WayName[];
  const seconds = new Map<WayName, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++)
    for (const [name, taken] of seconds) {
      const took = await send(place, WAYS[name]);
      // The first round fills caches.
      if (round > 0) taken.push(took);
    }
  const rate = (name: WayName): number => SIZE_BYTES / 1e6 / median(seconds.get(name)!)!;
  const row = (name: WayName, ...others: readonly WayName[]): Row => ({
    ...{ measure: name, unit: 'MB/s', gapless: rate(name) },
    beside: others.map((other) => ({ name: other, value: rate(other) })),
  });
  // The aim is about the servers, so each is measured with the same client.
  return {
    setting: `${SIZE_BYTES / 2 ** 20} MiB over loopback with AES-128-GCM, median of ${ROUNDS} rounds.`,
    rows: [
      { ...row('sftp into central', 'sftp into sshd'), aim: { atLeast: rate('sftp into sshd') } },
      {
        ...row('our agent into central', 'our agent into sshd', 'sftp into sshd'),
        aim: { atLeast: rate('our agent into sshd') },
      },
    ],
  };
}

/** Returns the seconds; connecting is in them where a user would wait for it. */
async function send({ keys, source, ports }: Place, { client, server }: Way): Promise<number> {
  const received = join(keys.dir, 'received');
  const port = ports[server];
  const path = server === 'gapless' ? 'received' : received;
  // An agent runs for months and keeps its connection: its start is not part of an upload.
  const took =
    client === 'gapless'
      ? (await runUpload({ keys, host: HOST, port, file: source, path, times: 2 })).at(-1)!
      : await runSftp({ keys, host: HOST, port, batch: [`put ${source} ${path}`] });
  const { size } = await stat(received);
  if (size !== SIZE_BYTES) throw new Error(`${client} sent ${size} bytes to ${server}`);
  for (const file of [received, `${received}-2`]) await rm(file, { force: true });
  return took;
}

const obstacle = opensshObstacle();
print(
  'loopback',
  obstacle === undefined
    ? await inScratch(measure, { inMemory: true })
    : { setting: '', rows: [], skipped: [obstacle] },
);
