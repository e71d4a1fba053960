import type { DurationMs } from '@gapless/shared/time';
import { bytesText } from './bytes-text.js';
import type { Diagnosis } from './finding.js';
import { failed, ok, warning } from './finding.js';

export interface DiskSpace {
  readonly totalBytes: number;
  /** What the agent may still use. */
  readonly freeBytes: number;
  /** What its recordings take already; 0 before the first. */
  readonly heldBytes: number;
}

export interface DiskLimits {
  readonly maxBytes: number | undefined;
  readonly minFreeBytes: number;
}

/** Whether the limits of the configuration fit the disk. */
export function judgeSpace(space: DiskSpace, { maxBytes, minFreeBytes }: DiskLimits): Diagnosis {
  const { totalBytes, freeBytes, heldBytes } = space;
  const usable = Math.max(0, freeBytes + heldBytes - minFreeBytes);
  const room = `${bytesText(freeBytes)} of ${bytesText(totalBytes)} free, ${bytesText(heldBytes)} recorded`;
  if (usable === 0)
    return failed(
      `${room}: what others use and storage.minFree (${bytesText(minFreeBytes)}) leave nothing to record on`,
      'Free space on the disk, lower storage.minFree, or name another disk as storage.dir.',
    );
  if (maxBytes !== undefined && maxBytes > usable)
    return warning(
      `${room}: storage.maxSize (${bytesText(maxBytes)}) is never reached, the oldest footage goes at ${bytesText(usable)}`,
      'Free space on the disk, or lower storage.maxSize to what is there.',
    );
  return ok(`${room}; recordings may take ${bytesText(Math.min(usable, maxBytes ?? usable))}`);
}

export interface DiskSpeed {
  /** Of a long write, its sync included. */
  readonly writeBytesPerSec: number;
  /** Of the middle one of several small writes with a sync each. */
  readonly syncMs: DurationMs;
  readonly worstSyncMs: DurationMs;
}

/** What a camera of 8 Mbit/s writes; most write less. */
const LENS_BYTES_PER_SEC = 1e6;

/** A recorder that waits this long for its fragment to be safe does not keep up with several lenses. */
const SLOW_SYNC_MS = 250;
const STUCK_SYNC_MS = 2_000;

const ANOTHER_DISK = 'Use a faster or a newer disk or card; one that has become slow is often about to fail.';

/** Whether the disk keeps up with the lenses. */
export function judgeSpeed({ writeBytesPerSec, syncMs, worstSyncMs }: DiskSpeed, lenses: number): Diagnosis {
  const needed = lenses * LENS_BYTES_PER_SEC;
  const speed =
    `writes ${bytesText(writeBytesPerSec)}/s, ` +
    `a sync takes ${syncMs.toFixed(1)} ms, at worst ${worstSyncMs.toFixed(1)} ms`;
  if (writeBytesPerSec < needed)
    return failed(`${speed}: ${lenses} lenses of 8 Mbit/s need ${bytesText(needed)}/s`, ANOTHER_DISK);
  if (writeBytesPerSec < 3 * needed || syncMs > SLOW_SYNC_MS || worstSyncMs > STUCK_SYNC_MS)
    return warning(`${speed}: little is left beside the lenses for uploads and clips`, ANOTHER_DISK);
  return ok(speed);
}
