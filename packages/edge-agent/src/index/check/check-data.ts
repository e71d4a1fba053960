import { createHash, createPublicKey, verify } from 'node:crypto';
import { toAppError } from '@gapless/shared/errors';
import type { FragmentEntry, SegmentLayout } from '@gapless/shared/isobmff';
import { encodeFragmentTable, sealedBytes } from '@gapless/shared/isobmff';
import type { ReadFile } from '../read-file.js';
import type { SegmentRecord } from '../rows.js';
import type { SegmentFileFacts } from '../segment-file.js';
import { readSegmentFile, segmentRecordOf } from '../segment-file.js';
import type { CheckPort, SegmentReport } from './check-port.js';
import { REMEDIES } from './finding.js';

export interface DataCheck {
  readonly file: ReadFile;
  /** Undefined when the row has no table that could be read. */
  readonly table: readonly FragmentEntry[] | undefined;
  readonly report: SegmentReport;
}

/** Reads a segment's file to its last byte and holds it against its row, its own identity and its seal. */
export async function checkData(port: CheckPort, row: SegmentRecord, check: DataCheck): Promise<void> {
  const { file, report } = check;
  let facts: SegmentFileFacts;
  try {
    facts = await readSegmentFile(file);
  } catch (thrown) {
    report('structure', toAppError(thrown).message, { remedy: REMEDIES.damaged });
    return;
  }
  const { whole, before } = file.hash(facts.layout.tailOffset ?? file.sizeBytes);
  if (whole !== row.sha256) {
    const detail = `the file has SHA-256 ${whole}, its row says ${row.sha256}`;
    report('hash', detail, { remedy: REMEDIES.damaged });
  }
  checkIdentity(port, row, facts, report);
  checkStructure(facts.layout, check);
  // What stands behind the damage cannot be told from what is missing.
  if (facts.layout.damage) return;
  checkSeal(port, facts, before, report);
  checkRowOfFile(row, facts, report);
}

function checkStructure({ damage, jumps, fragments }: SegmentLayout, { table, report }: DataCheck): void {
  const wrong = (detail: string): void => report('structure', detail, { remedy: REMEDIES.damaged });
  if (damage) wrong(damage.message);
  for (const { expected, found } of jumps) wrong(`fragment ${found} stands where ${expected} must be`);
  if (!table || damage) return;
  const isSame = Buffer.from(encodeFragmentTable(fragments)).equals(encodeFragmentTable(table));
  if (!isSame)
    report('fragments', 'the fragment table is not that of the file', { remedy: REMEDIES.rebuild });
}

function checkIdentity(
  { vehicle }: CheckPort,
  row: SegmentRecord,
  { identity }: SegmentFileFacts,
  report: SegmentReport,
): void {
  const expected = { ...row, vehicle };
  for (const key of ['vehicle', 'lens', 'run', 'seq', 'firstFragment'] as const) {
    if (identity[key] === expected[key]) continue;
    const detail = `the file says that its ${key} is ${identity[key]}, the index ${expected[key]}`;
    report('identity', detail, { remedy: REMEDIES.damaged });
  }
}

function checkSeal(
  { evidenceKey }: CheckPort,
  { identity, layout }: SegmentFileFacts,
  sha256Before: string,
  report: SegmentReport,
): void {
  const { seal, fragments } = layout;
  const wrong = (detail: string): void => report('seal', detail, { remedy: REMEDIES.damaged });
  if (!seal) {
    wrong('the file has no seal');
    return;
  }
  if (seal.sha256 !== sha256Before) wrong('the seal speaks of other content');
  if (seal.fragments !== fragments.length)
    wrong(`the seal speaks of ${seal.fragments} fragments, the file has ${fragments.length}`);
  if (!evidenceKey) return;
  if (seal.signature === undefined || seal.key === undefined) {
    wrong('the seal is not signed');
    return;
  }
  if (seal.key !== createHash('sha256').update(evidenceKey).digest('hex')) {
    report('seal', 'the seal is signed with another key than the present one', {
      severity: 'warning',
      remedy: 'Keep the public half of the former key, as central does, to prove it.',
    });
    return;
  }
  const key = createPublicKey({ key: Buffer.from(evidenceKey), format: 'der', type: 'spki' });
  if (!verify(null, sealedBytes(identity, seal), key, Buffer.from(seal.signature, 'hex')))
    wrong('the signature of the seal is not right');
}

/** What the row says follows from the file, so that the index can be made again. A run that was re-timed says otherwise. */
function checkRowOfFile(row: SegmentRecord, facts: SegmentFileFacts, report: SegmentReport): void {
  if (row.startMs !== row.fileStartMs || facts.layout.fragments.length === 0) return;
  const made = segmentRecordOf(facts, row);
  for (const key of ['startMs', 'endMs', 'fragmentCount'] as const) {
    if (made[key] === row[key]) continue;
    report('row-of-file', `${key} is ${row[key]}, the file says ${made[key]}`, { remedy: REMEDIES.rebuild });
  }
  if (JSON.stringify(made.holes) !== JSON.stringify(row.holes))
    report('row-of-file', 'the holes are others than those of the file', { remedy: REMEDIES.rebuild });
}
