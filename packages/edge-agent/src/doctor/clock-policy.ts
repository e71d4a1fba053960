import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { formatDuration, formatUtc, MINUTE_MS, PLAUSIBLE_FROM_MS, SECOND_MS } from '@gapless/shared/time';
import type { Diagnosis } from './finding.js';
import { failed, ok, warning } from './finding.js';

export interface ClockFacts {
  readonly nowMs: EpochMs;
  /** What the system says of its time server; undefined when it does not say. */
  readonly isSynchronised: boolean | undefined;
  /** Central's clock less ours, and by how much that may be wrong; undefined when central was not heard. */
  readonly central: { readonly aheadMs: DurationMs; readonly errorMs: DurationMs } | undefined;
}

/** No box of today is still recording then. */
const PLAUSIBLE_TO_MS = Date.UTC(2100, 0, 1);

/** More than this beside central, and a person who compares two cameras sees it. */
const NOTICEABLE_MS = 2 * SECOND_MS;
const USELESS_MS = 5 * MINUTE_MS;

const SYNCHRONISE =
  'Give the box a time server: apt install systemd-timesyncd, then timedatectl set-ntp true';

/** Whether footage gets the right time. */
export function judgeClock({ nowMs, isSynchronised, central }: ClockFacts): Diagnosis {
  const now = formatUtc(nowMs);
  if (nowMs < PLAUSIBLE_FROM_MS || nowMs >= PLAUSIBLE_TO_MS)
    return failed(`the clock says ${now}: it was never set`, SYNCHRONISE);
  const off = central ? Math.max(0, Math.abs(central.aheadMs) - central.errorMs) : 0;
  if (off > NOTICEABLE_MS) {
    const side = central!.aheadMs > 0 ? 'behind' : 'ahead of';
    const detail = `the clock says ${now} and is at least ${formatDuration(off)} ${side} central’s`;
    return off > USELESS_MS ? failed(detail, SYNCHRONISE) : warning(detail, SYNCHRONISE);
  }
  const agreed = central ? ', and central’s agrees' : '';
  if (isSynchronised === true) return ok(`the clock says ${now}, kept by a time server${agreed}`);
  if (isSynchronised === false) {
    return warning(`the clock says ${now}${agreed}, and no time server keeps it`, SYNCHRONISE);
  }
  if (central) return ok(`the clock says ${now}${agreed}; whether a time server keeps it cannot be told`);
  return warning(
    `the clock says ${now}, and whether a time server keeps it cannot be told`,
    'Look at it with timedatectl.',
  );
}
