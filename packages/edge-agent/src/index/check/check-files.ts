import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '@gapless/shared/errors';
import type { LensName } from '@gapless/shared/ids';
import { isName, parseLensName } from '@gapless/shared/ids';
import type { Day } from '../paths.js';
import { isDay, JOURNAL_NAME, parseSegmentFileName, PROTECTIONS_NAME, recordingDirectory } from '../paths.js';
import type { CheckPort } from './check-port.js';
import { REMEDIES } from './finding.js';

/** Every file of the recordings has its row. Holds the names of one day. */
export function checkFiles(port: CheckPort): void {
  for (const name of namesIn(port.storageDir)) {
    if (isName(name)) checkLensDirectory(port, parseLensName(name));
    else orphan(port, { path: name, detail: 'this is no directory of a lens' });
  }
}

/** What lies beside the days of a lens: what is being written, what is not trusted any more, and its pins, also half written. */
const KNOWN = new Set(['recording', 'quarantine', PROTECTIONS_NAME, `${PROTECTIONS_NAME}.new`]);

function checkLensDirectory(port: CheckPort, lens: LensName): void {
  for (const name of namesIn(join(port.storageDir, lens))) {
    if (isDay(name)) checkDay(port, lens, name);
    else if (!KNOWN.has(name)) orphan(port, { lens, path: join(lens, name), detail: 'this is no day' });
  }
  if (!port.isRunning()) checkRecording(port, lens);
}

function checkDay(port: CheckPort, lens: LensName, day: Day): void {
  const { reader, storageDir, isRunning, report } = port;
  for (const name of namesIn(join(storageDir, lens, day))) {
    if (name === JOURNAL_NAME) continue;
    const path = join(lens, day, name);
    const file = parseSegmentFileName(name);
    if (!file) {
      orphan(port, { lens, path, detail: 'this is no segment' });
      continue;
    }
    // Asked only now: a row is committed before its file gets here, and its tombstone before the file goes.
    if (reader.segments.ofFile(lens, file)) continue;
    const tombstone = reader.tombstones.ofFile(lens, file);
    if (isRunning() && (tombstone?.fileGone === false || !existsSync(join(storageDir, path)))) continue;
    // Closed since the last snapshot.
    if (isRunning() && !tombstone && reader.isSnapshot) continue;
    if (tombstone?.fileGone === false) {
      const detail = 'the segment is deleted, its file is still there';
      report({ invariant: 'removal', severity: 'warning', lens, path, detail, remedy: REMEDIES.restart });
    } else {
      const detail = tombstone ? 'the segment is deleted, its file came back' : 'the file has no row';
      report({ invariant: 'orphan', severity: 'error', lens, path, detail, remedy: REMEDIES.unknown });
    }
  }
}

/** A file that is indexed already has to be moved to its day; what has no row waits for the recovery at the next start. */
function checkRecording({ reader, storageDir, report }: CheckPort, lens: LensName): void {
  for (const name of namesIn(join(storageDir, recordingDirectory(lens)))) {
    const file = parseSegmentFileName(name);
    if (!file || !reader.segments.ofFile(lens, file)) continue;
    const path = join(recordingDirectory(lens), name);
    const detail = 'the segment has its row, and its file has not been moved to its day';
    report({ invariant: 'place', severity: 'warning', lens, path, detail, remedy: REMEDIES.restart });
  }
}

function orphan(
  { report }: CheckPort,
  found: { readonly lens?: LensName; readonly path: string; readonly detail: string },
): void {
  report({ invariant: 'orphan', severity: 'warning', ...found, remedy: REMEDIES.foreign });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [];
    throw thrown;
  }
}
