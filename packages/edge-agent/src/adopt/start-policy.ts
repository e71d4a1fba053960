import type { MediaMtxSegment } from '@gapless/shared/isobmff';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { PLAUSIBLE_FROM_MS, SECOND_MS } from '@gapless/shared/time';
import type { AdoptedFacts } from '../index/rows.js';
import type { NameTime } from './name-pattern-policy.js';

/** What there is to tell when a file's container begins. */
export interface StartHints {
  readonly mediaMtx: MediaMtxSegment | undefined;
  /** Undefined where no pattern is given. */
  readonly named: NameTime | undefined;
  /** `creation_time` of the container. */
  readonly createdMs: EpochMs | undefined;
  /** When the file was changed last. */
  readonly modifiedMs: EpochMs;
  /** From the container's beginning to its last picture. */
  readonly lengthMs: DurationMs;
}

export interface Start {
  readonly startMs: EpochMs;
  readonly clock: AdoptedFacts['clock'];
  /** Two files may be so far apart by this clock and yet follow each other without a gap. */
  readonly toleranceMs: DurationMs;
}

/** A recorder notes its wall clock when it gets round to it, not when the sample was taken. */
const JITTER_MS: DurationMs = 250;

/**
 * When a file begins: by the box that MediaMTX writes, else by its name, else by its container, else by its last change,
 * which is taken for its end.
 */
export function chooseStart({ mediaMtx, named, createdMs, modifiedMs, lengthMs }: StartHints): Start {
  if (mediaMtx) return { startMs: mediaMtx.startMs, clock: 'mediamtx', toleranceMs: JITTER_MS };
  const byModification = modifiedMs - lengthMs;
  if (named && named.startsMs.length > 0) {
    // Of an hour that clocks showed twice, the file's last change tells which.
    const [startMs] = [...named.startsMs].sort(
      (a, b) => Math.abs(a - byModification) - Math.abs(b - byModification),
    );
    const toleranceMs = JITTER_MS + (named.exactToMs > 1 ? named.exactToMs : 0);
    return { startMs: startMs!, clock: 'name', toleranceMs };
  }
  const toleranceMs = 2 * SECOND_MS;
  if (createdMs !== undefined && createdMs >= PLAUSIBLE_FROM_MS)
    return { startMs: createdMs, clock: 'container', toleranceMs };
  return { startMs: Math.max(0, Math.round(byModification)), clock: 'modified', toleranceMs };
}
