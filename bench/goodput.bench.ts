// How much of a link an upload uses when every two-hundredth packet is lost. Congestion control decides, not the program, so
// both are measured: cubic, the usual default, and BBR, which is advised for vehicles.
import { join } from 'node:path';
import { EmulatedLink, MOBILE_LINK } from './support/emulated-link.js';
import { CentralSftp, runUpload } from './support/gapless-sftp.js';
import { makeKeys, opensshObstacle, runSftp, Sshd } from './support/openssh.js';
import { writeRandomFile } from './support/random-file.js';
import type { Report, Row } from './support/report.js';
import { print } from './support/report.js';
import { inScratch } from './support/scratch.js';

const LOSS_RATIO = 0.005;
const AIM = { atLeast: 0.85 };
/** cubic is four times slower: less to send keeps the run short. */
const SIZES = { bbr: 30e6, cubic: 6e6 } as const;

async function measure(dir: string): Promise<Report> {
  return {
    setting:
      `10 Mbit/s, 80 ms, ${LOSS_RATIO * 100} % loss: payload over what the link carries in that time, ` +
      'connecting included.',
    rows: [await measureOver('bbr', dir), await measureOver('cubic', dir)],
  };
}

async function measureOver(congestionControl: keyof typeof SIZES, dir: string): Promise<Row> {
  const sizeBytes = SIZES[congestionControl];
  const file = await writeRandomFile(join(dir, 'source'), sizeBytes);
  await using link = await EmulatedLink.start({ ...MOBILE_LINK, lossRatio: LOSS_RATIO, congestionControl });
  const keys = makeKeys(dir);
  const host = link.centralAddress;
  const prefix = link.onVehicle;
  await using central = await CentralSftp.start(keys, dir, host);
  await using sshd = await Sshd.start(keys, host);
  const share = (seconds: number): number => (8 * sizeBytes) / seconds / MOBILE_LINK.rateBitsPerSec;
  const [own] = await runUpload({ keys, host, port: central.port, file, path: 'received', prefix });
  const batch = [`put ${file} ${join(dir, 'received')}`];
  const theirs = await runSftp({ keys, host, port: sshd.port, batch, prefix });
  return {
    measure: `share of the link, ${congestionControl}`,
    unit: '',
    gapless: share(own!),
    beside: [{ name: 'sftp', value: share(theirs) }],
    aim: AIM,
  };
}

const obstacle = EmulatedLink.obstacle ?? opensshObstacle();
print(
  'goodput',
  obstacle === undefined ? await inScratch(measure) : { setting: '', rows: [], skipped: [obstacle] },
);
