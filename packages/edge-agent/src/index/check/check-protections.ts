import { segmentId } from '@gapless/shared/ids';
import type { LensName } from '@gapless/shared/ids';
import { parseLensName, parseRunId } from '@gapless/shared/ids';
import { protectionsText, readProtections } from '../journal/protections-file.js';
import { protectionsPath } from '../paths.js';
import type { CheckPort } from './check-port.js';
import { REMEDIES } from './finding.js';

const MAX_PROBLEMS = 100;

/** A segment counts as protected if and only if a pin overlaps it, and the pins of one holder do not overlap. */
export function checkProtectionRows({ statements, report }: CheckPort): void {
  const wrong = statements.all<{ lens: string; run: string; seq: number; protected: number }>(
    `SELECT l.name AS lens, r.name AS run, s.seq, s.protected
     FROM segment s JOIN run r ON r.id = s.run_id JOIN lens l ON l.id = s.lens_id
     WHERE s.protected <> EXISTS (SELECT 1 FROM protection p
       WHERE p.lens_id = s.lens_id AND p.start_ms < s.end_ms AND p.end_ms > s.start_ms) LIMIT ?`,
    MAX_PROBLEMS,
  );
  for (const row of wrong) {
    const lens = parseLensName(row.lens);
    report({
      invariant: 'protections',
      severity: 'error',
      lens,
      segment: segmentId({ lens, run: parseRunId(row.run), seq: row.seq }),
      detail:
        row.protected === 1
          ? 'it counts as protected, and no pin overlaps it'
          : 'a pin overlaps it, and it does not count as protected',
      remedy: REMEDIES.rebuild,
    });
  }
  const overlapping = statements.all<{ lens: string; holder: string; start_ms: number }>(
    `SELECT l.name AS lens, p.holder, p.start_ms FROM protection p JOIN lens l ON l.id = p.lens_id
     WHERE EXISTS (SELECT 1 FROM protection q WHERE q.lens_id = p.lens_id AND q.holder = p.holder
       AND q.start_ms < p.start_ms AND q.end_ms > p.start_ms) LIMIT ?`,
    MAX_PROBLEMS,
  );
  for (const { lens, holder, start_ms: startMs } of overlapping) {
    const detail = `the pin of ${holder} at ${startMs} overlaps another of the same holder`;
    const remedy = REMEDIES.rebuild;
    report({ invariant: 'protections', severity: 'error', lens: parseLensName(lens), detail, remedy });
  }
}

/** The file beside the recordings names the pins that the index has. After a crash the next start writes it anew. */
export async function checkProtectionsFile(port: CheckPort, lens: LensName): Promise<void> {
  const { reader, storageDir, report, isRunning } = port;
  const differs = async (): Promise<boolean> => {
    const text = await readProtections(storageDir, lens);
    return text !== protectionsText(reader.protections.ofLens(lens));
  };
  if (isRunning() || !(await differs())) return;
  const isCrashed = reader.stoppedMs === undefined;
  report({
    invariant: 'protections',
    severity: isCrashed ? 'warning' : 'error',
    lens,
    path: protectionsPath(lens),
    detail: 'the file names other pins than the index',
    remedy: REMEDIES.restart,
  });
}
