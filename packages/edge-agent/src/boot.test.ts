import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { bootClock } from './boot.js';

/** Linux tells the uptime to a hundredth of a second. */
const ROUNDING_MS = 10;

describe(bootClock, () => {
  it.runIf(process.platform === 'linux')(
    'counts from the boot of the box, whichever process asks',
    async () => {
      const askedMs = bootClock(() => process.hrtime.bigint()).monotonicMs();
      const [uptime = ''] = (await readFile('/proc/uptime', 'utf8')).split(' ');
      // The kernel's uptime also counts time asleep, which the monotonic clock does not.
      expect(askedMs).toBeLessThanOrEqual(Number(uptime) * 1000 + ROUNDING_MS);
      // This process is far younger than the box that runs it.
      expect(askedMs).toBeGreaterThan(performance.now() + ROUNDING_MS);
    },
  );
});
