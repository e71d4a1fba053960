import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, errnoOf, toAppError } from '@gapless/shared/errors';
import { diskError } from '@gapless/shared/fs';
import { segmentId } from '@gapless/shared/ids';
import type { FragmentEntry, SegmentSeal } from '@gapless/shared/isobmff';
import { decodeFragmentTable, isSealBox, parseSealBox, topLevelBoxes } from '@gapless/shared/isobmff';
import { isWrapperPath, recordingPath, segmentPath } from '../paths.js';
import { ReadFile } from '../read-file.js';
import type { SegmentRecord } from '../rows.js';
import { decodeWrapper } from '../wrapper.js';
import { checkData } from './check-data.js';
import type { CheckPort, SegmentReport } from './check-port.js';
import { REMEDIES } from './finding.js';

/**
 * Looks at a segment: its fragment table, its file, its place in the chain of seals, and with `readData` everything in
 * its file.
 *
 * @param predecessor SHA-256 that its seal must name as the segment before; undefined where it may name what is forgotten
 */
export async function checkSegment(
  port: CheckPort,
  row: SegmentRecord,
  predecessor: string | undefined,
): Promise<void> {
  const report: SegmentReport = (invariant, detail, { severity = 'error', remedy }) => {
    const { lens } = row;
    port.report({
      ...{ invariant, severity, lens, segment: segmentId(row), path: segmentPath(row), detail, remedy },
    });
  };
  const table = fragmentsOf(row, report);
  const path = join(port.storageDir, segmentPath(row));
  try {
    const size = sizeOf(path);
    if (size === undefined) {
      checkMissing(port, row, report);
      return;
    }
    if (size !== row.sizeBytes) {
      report('file', `the file has ${size} bytes, its row says ${row.sizeBytes}`, {
        remedy: REMEDIES.damaged,
      });
      return;
    }
    using file = ReadFile.open(path);
    if (!file) {
      const gone = "its recorder's file is not there any more or was changed";
      if (row.adopted) report('file', gone, { severity: 'warning', remedy: REMEDIES.restart });
      return; // evicted this very moment
    }
    if (table) await checkChain(file, table, predecessor, report);
    if (port.readData) await checkData(port, row, { file, table, report });
  } catch (thrown) {
    report('file', `the file cannot be read: ${toAppError(thrown).message}`, { remedy: REMEDIES.damaged });
  }
}

/** The file is not where it must be: it may still be where it was recorded, or it has been evicted meanwhile. */
function checkMissing({ reader, storageDir }: CheckPort, row: SegmentRecord, report: SegmentReport): void {
  // In the recording directory it is found by the check of files.
  if (sizeOf(join(storageDir, recordingPath(row))) !== undefined) return;
  if (!reader.segments.get(row) || sizeOf(join(storageDir, segmentPath(row))) !== undefined) return;
  report('file', 'there is no such file', { remedy: REMEDIES.lost });
}

/** The segment's fragment table; reports one that does not fit, and then there is none. */
function fragmentsOf(row: SegmentRecord, report: SegmentReport): readonly FragmentEntry[] | undefined {
  let table: FragmentEntry[];
  let wrong: string | undefined;
  try {
    table = decodeFragmentTable(row.fragments);
    wrong = wrongOf(row, table);
  } catch (thrown) {
    table = [];
    wrong = `the fragment table cannot be read: ${toAppError(thrown).message}`;
  }
  if (wrong === undefined) return table;
  report('fragments', wrong, { remedy: REMEDIES.rebuild });
  return undefined;
}

function wrongOf(row: SegmentRecord, table: readonly FragmentEntry[]): string | undefined {
  if (table.length !== row.fragmentCount)
    return `the fragment table has ${table.length} rows, its segment ${row.fragmentCount} fragments`;
  if (table[0]?.number !== row.firstFragment)
    return `the fragment table begins with ${table[0]?.number ?? 'nothing'}, its segment with ${row.firstFragment}`;
  for (let i = 1; i < table.length; i++) {
    const former = table[i - 1]!;
    const { number, offset } = table[i]!;
    if (number !== former.number + 1) return `fragment ${number} follows fragment ${former.number}`;
    if (offset !== former.offset + former.sizeBytes)
      return `fragment ${number} lies at ${offset}, the one before it ends elsewhere`;
  }
  return undefined;
}

/** The seal stands behind the last fragment and names the segment before. */
async function checkChain(
  file: ReadFile,
  table: readonly FragmentEntry[],
  predecessor: string | undefined,
  report: SegmentReport,
): Promise<void> {
  const last = table.at(-1)!;
  const seal = await sealAt(file, last.offset + last.sizeBytes);
  if (!seal) {
    report('chain', 'there is no seal behind the last fragment', { remedy: REMEDIES.damaged });
    return;
  }
  if (predecessor === undefined || seal.previous === predecessor) return;
  const named = seal.previous === undefined ? 'none' : seal.previous.slice(0, 12);
  const detail = `its seal names ${named} as the segment before, and it was ${predecessor.slice(0, 12)}`;
  report('chain', detail, { remedy: REMEDIES.rebuild });
}

async function sealAt(file: ReadFile, offset: number): Promise<SegmentSeal | undefined> {
  const bytes = await file.read(offset, file.sizeBytes - offset);
  for (const box of topLevelBoxes(bytes, offset)) return isSealBox(box) ? parseSealBox(box) : undefined;
  return undefined;
}

/** Undefined when there is no file. */
function sizeOf(path: string): number | undefined {
  try {
    return isWrapperPath(path) ? decodeWrapper(readFileSync(path)).content.length : statSync(path).size;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return undefined;
    throw thrown instanceof AppError ? thrown : diskError('stat', path, thrown);
  }
}
