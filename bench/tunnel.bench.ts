// A 45 s tunnel, on real TCP: what travels afterwards, and how long until the gap is verified. Beside it what a user would
// do with OpenSSH: send the segment files that overlap the gap again, as soon as the link is back.
import { setTimeout as sleep } from 'node:timers/promises';
import { EmulatedLink, MOBILE_LINK } from './support/emulated-link.js';
import type { RecordedSegment } from './support/footage.js';
import { recordedSegments } from './support/footage.js';
import { MobileScene } from './support/mobile-scene.js';
import { makeKeys, opensshObstacle, runSftp, Sshd } from './support/openssh.js';
import type { Report } from './support/report.js';
import { print } from './support/report.js';

const TUNNEL_MS = 45_000;
const MOVED_MS = 15_000;
const LENSES = 2;
const MEGABITS_PER_SEC = 2;
const LIVE_MS = 12_000;
const PATIENCE_MS = 90_000;

interface Healing {
  /** Of fragments that were finished while there was no link. */
  readonly missingBytes: number;
  /** The largest fragments at the two edges of the gap, of every lens. */
  readonly edgeBytes: number;
  readonly sentBytes: number;
  readonly liveBytes: number;
  readonly seconds: number;
  readonly resumedSeconds: number | undefined;
}

interface Resending {
  readonly sentBytes: number;
  readonly liveBytes: number;
  readonly seconds: number;
}

async function measure(): Promise<Report> {
  await using scene = await MobileScene.start(MOBILE_LINK, {
    lenses: LENSES,
    megabitsPerSec: MEGABITS_PER_SEC,
  });
  await scene.live();
  await sleep(LIVE_MS);
  const cutMs = await scene.link.cut();
  await sleep(TUNNEL_MS);
  const before = await scene.link.carried();
  const restoredMs = await scene.link.restore();
  const sftpPort = scene.central.sftp.port;
  const verifiedMs = await scene.verified(restoredMs, PATIENCE_MS);
  const after = await scene.link.carried();
  const carried = (port: number): number =>
    (after[port]?.payloadBytes ?? 0) - (before[port]?.payloadBytes ?? 0);

  const segments = await recordedSegments(scene.vehicle.recordingsDir);
  const inTunnel = segments.filter(({ startMs, endMs }) => startMs < restoredMs && endMs > cutMs);
  const healing: Healing = {
    ...whatIsMissing(inTunnel, cutMs, restoredMs),
    sentBytes: carried(sftpPort),
    liveBytes: carried(scene.httpPort),
    seconds: (verifiedMs - restoredMs) / 1000,
    resumedSeconds: secondsTo(after[sftpPort]?.firstBulkMs, restoredMs),
  };
  const obstacle = opensshObstacle();
  const resending = obstacle === undefined ? await resend(scene, inTunnel) : undefined;
  return report({ healing, resending, movedSeconds: await resumeElsewhere(scene) }, obstacle);
}

/** A second outage, after which the vehicle has another address: seconds from the link's return to the first bytes. */
async function resumeElsewhere(scene: MobileScene): Promise<number | undefined> {
  await scene.link.cut();
  await sleep(MOVED_MS);
  scene.link.changeAddress();
  const restoredMs = await scene.link.restore();
  await scene.verified(restoredMs, PATIENCE_MS);
  return secondsTo((await scene.link.carried())[scene.central.sftp.port]?.firstBulkMs, restoredMs);
}

function whatIsMissing(
  segments: readonly RecordedSegment[],
  cutMs: number,
  restoredMs: number,
): Pick<Healing, 'missingBytes' | 'edgeBytes'> {
  const fragments = segments.flatMap((segment) => segment.fragments);
  const missing = fragments.filter(({ endMs }) => endMs > cutMs && endMs <= restoredMs);
  const largest = Math.max(...fragments.map(({ sizeBytes }) => sizeBytes));
  return {
    missingBytes: missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    edgeBytes: 2 * LENSES * largest,
  };
}

/** Sends the files whole, beside the same live video. */
async function resend(scene: MobileScene, segments: readonly RecordedSegment[]): Promise<Resending> {
  const keys = makeKeys(scene.dir);
  const host = scene.link.centralAddress;
  await using sshd = await Sshd.start(keys, host);
  const before = await scene.link.carried();
  const batch = segments.map(({ path }, index) => `put ${path} ${scene.dir}/again-${index}.mp4`);
  const seconds = await runSftp({ keys, host, port: sshd.port, batch, prefix: scene.link.onVehicle });
  const after = await scene.link.carried();
  const live = scene.httpPort;
  return {
    seconds,
    sentBytes: after[sshd.port]?.payloadBytes ?? 0,
    liveBytes: (after[live]?.payloadBytes ?? 0) - (before[live]?.payloadBytes ?? 0),
  };
}

interface Measured {
  readonly healing: Healing;
  readonly resending: Resending | undefined;
  readonly movedSeconds: number | undefined;
}

function report({ healing, resending, movedSeconds }: Measured, obstacle: string | undefined): Report {
  const { missingBytes, edgeBytes, sentBytes, liveBytes, seconds, resumedSeconds } = healing;
  const name = 'sftp of whole segments';
  const linkSeconds = (bytes: number): number => (8 * bytes) / MOBILE_LINK.rateBitsPerSec;
  const beside = (value: number | undefined): { name: string; value: number }[] =>
    value === undefined ? [] : [{ name, value }];
  return {
    setting:
      `${LENSES} lenses of ${MEGABITS_PER_SEC} Mbit/s live over 10 Mbit/s and 80 ms, then ${TUNNEL_MS / 1000} s without a link. ` +
      `Missing: ${(missingBytes / 1e6).toFixed(2)} MB. Everything that TCP carried counts, SSH and repetitions included.`,
    rows: [
      {
        measure: 'bytes sent over bytes missing',
        unit: '',
        gapless: sentBytes / missingBytes,
        beside: beside(resending && resending.sentBytes / missingBytes),
        aim: { atMost: 1.01 + edgeBytes / missingBytes },
        note: `the aim is 1.01 and a fragment at each edge of each lens's gap`,
      },
      {
        measure: 'first bytes after the link is back',
        unit: 's',
        gapless: resumedSeconds,
        aim: { atMost: 1.5 },
      },
      {
        measure: 'the same, with another address',
        unit: 's',
        gapless: movedSeconds,
        aim: { atMost: 1.5 },
      },
      {
        measure: 'from the link being back to verified',
        unit: 's',
        gapless: seconds,
        beside: beside(resending?.seconds),
        note: 'sftp starts at that instant, verifies nothing, and need not find out what is missing',
      },
      {
        measure: 'that time over what the bytes take',
        unit: '',
        gapless: seconds / linkSeconds(missingBytes + liveBytes),
        beside: beside(resending && resending.seconds / linkSeconds(missingBytes + resending.liveBytes)),
        aim: { atMost: 1.15 },
        note: 'the missing bytes and the live video beside them, at the full rate of the link',
      },
    ],
    skipped: obstacle === undefined ? [] : [obstacle],
  };
}

function secondsTo(atMs: number | undefined, fromMs: number): number | undefined {
  return atMs === undefined ? undefined : (atMs - fromMs) / 1000;
}

const obstacle = EmulatedLink.obstacle;
print('tunnel', obstacle === undefined ? await measure() : { setting: '', rows: [], skipped: [obstacle] });
