import type { RunId } from '@gapless/shared/ids';
import { recorded } from '../../../fixtures/media/index.js';
import { DAY_MS } from '@gapless/shared/time';
import { front, Place, rear, Recordings } from './recordings.js';

/** What an agent left behind that had seen a little of everything and stopped in an orderly way. */
export interface RecordedPlace {
  readonly place: Place;
  /** The runs of the lens front, each of three segments. Of the first run, segment 0 is evicted and 1 has its receipt. */
  readonly runs: readonly [RunId, RunId];
  /** When it stopped. */
  readonly stoppedMs: number;
}

/**
 * ```
 * front  |A0 evicted|A1 receipted|A2|  no-signal  |B0|B1|B2|
 * rear   |C0|C1|C2|  of which two protect C1, the one of them until the next day
 * ```
 */
export async function recordedPlace(): Promise<RecordedPlace> {
  const place = await Place.make();
  const bytes = await recorded('tiny');
  await using recordings = new Recordings(place);
  const { clock, index, reader, burial, protections } = recordings;
  await recordings.begin(front, rear);
  const a = (await recordings.record(front, bytes, { reason: 'crashed' }))!;
  await index.markReceipted([reader.segments.get({ lens: front, run: a, seq: 1 })!]);
  const sinceMs = reader.runs.get(front, a)!.endMs!;
  await clock.advance(5_000);
  const b = (await recordings.record(front, bytes))!;
  const untilMs = reader.runs.get(front, b)!.startMs;
  const detail = 'the camera refused the connection';
  await index.addAbsence({ lens: front, startMs: sinceMs, endMs: untilMs, reason: 'no-signal', detail });
  const c = (await recordings.record(rear, bytes))!;
  const selection = { segment: { lens: rear, run: c, seq: 1 } };
  await protections.protect({ selection, holder: 'police', reason: 'accident' });
  const expiresMs = clock.nowMs() + DAY_MS;
  await protections.protect({ selection, holder: 'insurer', reason: 'claim', expiresMs });
  await burial.bury([{ lens: front, run: a, seq: 0 }], 'evicted');
  return { place, runs: [a, b], stoppedMs: clock.nowMs() };
}
