import { describe, expect, it } from 'vitest';
import { front } from '../../../../test/support/edge/recordings.js';
import type { AbsenceRecord } from '../index/index.js';
import type { OpenAbsence } from './absence-log.js';
import { AbsenceLog } from './absence-log.js';

/** A log with the rows that it writes. */
function logged(open?: OpenAbsence): { log: AbsenceLog; rows: AbsenceRecord[] } {
  const rows: AbsenceRecord[] = [];
  const addAbsence = (row: AbsenceRecord): Promise<void> => Promise.resolve(void rows.push(row));
  return { log: new AbsenceLog({ addAbsence }, front, open), rows };
}

const gone: OpenAbsence = { sinceMs: 100, reason: 'no-signal', detail: undefined };

describe('AbsenceLog', () => {
  it('writes one row that grows until there is footage', async () => {
    const { log, rows } = logged();
    await log.extend(150);
    log.begin(gone);
    log.explain('the camera did not answer in time');
    await log.extend(200);
    await log.end(300);
    await log.extend(400);
    const row = {
      lens: front,
      startMs: 100,
      reason: 'no-signal',
      detail: 'the camera did not answer in time',
    };
    expect(rows).toEqual([
      { ...row, endMs: 200 },
      { ...row, endMs: 300 },
    ]);
  });

  it('keeps the start and the reason of what is missing already', async () => {
    const { log, rows } = logged({ sinceMs: 50, reason: 'off', detail: undefined });
    log.begin(gone);
    await log.end(300);
    expect(rows).toMatchObject([{ startMs: 50, reason: 'off' }]);
  });

  it('begins another row when there is another reason', async () => {
    const { log, rows } = logged(gone);
    await log.turnInto({ sinceMs: 200, reason: 'unexplained', detail: 'disk full' });
    await log.turnInto({ sinceMs: 250, reason: 'unexplained', detail: 'disk full' });
    await log.end(300);
    expect(rows.map(({ startMs, endMs, reason }) => [startMs, endMs, reason])).toEqual([
      [100, 200, 'no-signal'],
      [200, 300, 'unexplained'],
    ]);
  });

  it('says nothing where a wall clock that was set back leaves no time', async () => {
    const { log, rows } = logged(gone);
    await log.extend(100);
    await log.end(90);
    expect(rows).toEqual([]);
  });

  it('makes one bounded line of what a camera said', async () => {
    const { log, rows } = logged(gone);
    log.explain(`two\nlines\x07${'x'.repeat(1_000)}`);
    await log.end(200);
    expect(rows[0]!.detail).toMatch(/^two lines x+$/);
    expect(rows[0]!.detail).toHaveLength(500);
  });
});
