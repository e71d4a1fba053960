import { toAppError } from '@gapless/shared/errors';
import type { LensName } from '@gapless/shared/ids';
import { absenceRow, runRow } from '@gapless/shared/protocol';
import type { z } from 'zod';
import { absenceRow as announcedAbsence, runRow as announcedRun } from '../changes.js';
import type { Changed } from '../rows.js';
import type { CheckPort } from './check-port.js';
import { REMEDIES } from './finding.js';

const PAGE = 500;

/** Every run and every absence says what central would accept. Segments and tombstones are looked at in their runs. */
export function checkRows(port: CheckPort): void {
  const { runs, absences } = port.reader;
  eachRow(port, (after) => runs.changedAfter(after, PAGE), { schema: runRow, announced: announcedRun });
  eachRow(port, (after) => absences.changedAfter(after, PAGE), {
    schema: absenceRow,
    announced: announcedAbsence,
  });
}

function eachRow<Row extends { readonly lens: LensName }>(
  port: CheckPort,
  page: (after: number) => readonly Changed<Row>[],
  { schema, announced }: { readonly schema: z.ZodType; readonly announced: (row: Row) => unknown },
): void {
  try {
    for (let rows = page(0); rows.length > 0; rows = page(rows.at(-1)!.seq)) {
      for (const { row } of rows) checkRow(port, row.lens, { schema, value: announced(row) });
    }
  } catch (thrown) {
    const detail = `rows cannot be read: ${toAppError(thrown).message}`;
    port.report({ invariant: 'rows', severity: 'error', detail, remedy: REMEDIES.rebuild });
  }
}

/** Reports a row that the catalogue could not carry; returns whether it can. */
export function checkRow(
  { report }: CheckPort,
  lens: LensName,
  { schema, value }: { readonly schema: z.ZodType; readonly value: unknown },
): boolean {
  const parsed = schema.safeParse(value);
  if (parsed.success) return true;
  const [issue] = parsed.error.issues;
  const detail = `a row says what cannot be: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`;
  report({ invariant: 'rows', severity: 'error', lens, detail, remedy: REMEDIES.rebuild });
  return false;
}
