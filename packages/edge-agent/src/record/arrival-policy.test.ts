import { describe, expect, it } from 'vitest';
import { ArrivalWatch } from './arrival-policy.js';

/** Fragments of a second each, given as the instants at which they arrive. */
function watch(...arrivals: readonly number[]): ArrivalWatch {
  const watched = new ArrivalWatch();
  for (const [i, atMs] of arrivals.entries())
    watched.add({ atMs, mediaEndMs: (i + 1) * 1_000, mediaDurationMs: 1_000 });
  return watched;
}

describe('ArrivalWatch', () => {
  it('is settled once fragments come at their own pace', () => {
    expect(watch(1_000).isSettled).toBe(false);
    expect(watch(1_000, 2_000).isSettled).toBe(true);
    expect(watch(1_000, 2_000).originMs).toBe(0);
  });

  it('is not misled by the burst in which ffmpeg hands over what it had queued', () => {
    // Probed for five seconds: four fragments come at once, the fifth when it is due.
    const burst = watch(5_000, 5_001, 5_002, 5_003);
    expect(burst.isSettled).toBe(false);
    const paced = watch(5_000, 5_001, 5_002, 5_003, 5_800);
    expect(paced.isSettled).toBe(true);
    expect(paced.originMs).toBe(800);
  });

  it('waits for no camera longer than sixteen fragments or three seconds', () => {
    expect(watch(...Array.from({ length: 15 }, (_, i) => i)).isSettled).toBe(false);
    expect(watch(...Array.from({ length: 16 }, (_, i) => i)).isSettled).toBe(true);
    expect(watch(0, 600, 1_200, 1_800, 2_400, 3_000).isSettled).toBe(true);
  });

  it('follows a camera whose clock is slow, and forgets how it was minutes ago', () => {
    const watched = new ArrivalWatch();
    // Each second of media takes 1.001 s.
    for (let i = 1; i <= 300; i++)
      watched.add({ atMs: i * 1_001, mediaEndMs: i * 1_000, mediaDurationMs: 1_000 });
    expect(watched.originMs).toBeGreaterThan(150);
    expect(watched.originMs).toBeLessThanOrEqual(300);
  });
});
