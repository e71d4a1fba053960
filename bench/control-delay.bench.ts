// What a control message meets while a backfill runs over a modem with a deep queue: our agent's uploader, which keeps its
// window to what the link needs, and OpenSSH's sftp, which leaves that to the kernel.
import { join } from 'node:path';
import { delaysDuring } from './support/echo.js';
import { EmulatedLink, MOBILE_LINK } from './support/emulated-link.js';
import { CentralSftp, runUpload } from './support/gapless-sftp.js';
import { makeKeys, opensshObstacle, runSftp, Sshd } from './support/openssh.js';
import { writeRandomFile } from './support/random-file.js';
import type { Report, Row } from './support/report.js';
import { print } from './support/report.js';
import { inScratch } from './support/scratch.js';
import { quantile } from './support/statistics.js';

const SIZE_BYTES = 16e6;
const QUEUE_MS = 1_000;

async function measure(dir: string): Promise<Report> {
  const file = await writeRandomFile(join(dir, 'source'), SIZE_BYTES);
  const rows: Row[] = [];
  for (const congestionControl of ['cubic', 'bbr'])
    rows.push(...(await measureOver(congestionControl, dir, file)));
  return {
    setting:
      `${SIZE_BYTES / 1e6} MB over 10 Mbit/s and 80 ms with a queue of ${QUEUE_MS / 1000} s; ` +
      'a message of 100 bytes every 50 ms, there and back, on a connection of its own.',
    rows,
  };
}

async function measureOver(congestionControl: string, dir: string, file: string): Promise<Row[]> {
  await using link = await EmulatedLink.start({ ...MOBILE_LINK, queueMs: QUEUE_MS, congestionControl });
  const keys = makeKeys(dir);
  const host = link.centralAddress;
  const prefix = link.onVehicle;
  await using central = await CentralSftp.start(keys, dir, host);
  await using sshd = await Sshd.start(keys, host);
  let seconds = 0;
  const ours = await delaysDuring(link, async () => {
    [seconds = 0] = await runUpload({ keys, host, port: central.port, file, path: 'received', prefix });
  });
  let theirSeconds = 0;
  const batch = [`put ${file} ${join(dir, 'received')}`];
  const theirs = await delaysDuring(link, async () => {
    theirSeconds = await runSftp({ keys, host, port: sshd.port, batch, prefix });
  });
  const delay = (measure: string, share: number): Row => ({
    measure: `${measure}, ${congestionControl}`,
    unit: 'ms',
    gapless: quantile(ours, share),
    beside: [{ name: 'sftp', value: quantile(theirs, share)! }],
  });
  return [
    delay('delay, median', 0.5),
    { ...delay('delay, p95', 0.95), aim: { atMost: 250 } },
    {
      measure: `the upload, ${congestionControl}`,
      unit: 's',
      gapless: seconds,
      beside: [{ name: 'sftp', value: theirSeconds }],
    },
  ];
}

const obstacle = EmulatedLink.obstacle ?? opensshObstacle();
print(
  'control-delay',
  obstacle === undefined ? await inScratch(measure) : { setting: '', rows: [], skipped: [obstacle] },
);
