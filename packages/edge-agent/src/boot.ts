import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '@gapless/shared/time';
import { systemClock } from '@gapless/shared/time';

/**
 * The machine's clocks, the monotonic one counting from the box's boot and not from the start of this process: what two
 * processes of one boot noted can be compared.
 *
 * @param uptimeNs nanoseconds since the boot: `process.hrtime.bigint`, on Linux CLOCK_MONOTONIC
 */
export function bootClock(uptimeNs: () => bigint): Clock {
  return { ...systemClock, monotonicMs: () => Number(uptimeNs()) / 1e6 };
}

/** Names the present boot of the box: the kernel's own id, or one for this process where there is none. */
export async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    return randomUUID();
  }
}
