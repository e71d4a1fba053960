import type { LensName } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { HeldMessage, ListMessage } from '@gapless/shared/protocol';
import { MAX_HELD_SEGMENTS } from '@gapless/shared/protocol';
import { absenceRow, segmentRow, tombstoneRow } from '../index/changes.js';
import type { IndexReader } from '../index/index-reader.js';

/**
 * What the vehicle holds and no longer holds of a lens in a range, the newest first. What does not fit is announced by
 * `moreBeforeMs`: everything from there on is in this answer.
 */
export function heldAnswer(reader: IndexReader, question: ListMessage): HeldMessage {
  const { id, lens, range } = question;
  const segments = reader.segments.newest(lens, range, MAX_HELD_SEGMENTS);
  const moreBeforeMs = segments.length < MAX_HELD_SEGMENTS ? undefined : segments.at(-1)!.startMs;
  const answered = moreBeforeMs === undefined ? range : { startMs: moreBeforeMs, endMs: range.endMs };
  return {
    type: 'held',
    id,
    lens,
    segments: segments.map(segmentRow),
    ...within(reader, lens, answered),
    ...(moreBeforeMs === undefined || moreBeforeMs <= range.startMs ? {} : { moreBeforeMs }),
  };
}

function within(
  reader: IndexReader,
  lens: LensName,
  answered: Range,
): Pick<HeldMessage, 'tombstones' | 'absences'> {
  if (answered.startMs >= answered.endMs) return { tombstones: [], absences: [] };
  return {
    tombstones: reader.tombstones.newest(lens, answered, MAX_HELD_SEGMENTS).map(tombstoneRow),
    absences: reader.absences.newest(lens, answered, MAX_HELD_SEGMENTS).map(absenceRow),
  };
}
