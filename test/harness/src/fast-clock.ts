import type { Clock, Timer } from '@gapless/shared/time';
import { systemClock } from '@gapless/shared/time';

/** Names the speed of a daemon under test: `20@1787414400000`, twenty times as fast as the world from that instant on. */
export const SPEED = 'GAPLESS_TEST_SPEED';

/** The environment that lets daemons live through an hour in minutes, all of them by the same time. */
export function speedOf(factor: number, sinceMs = systemClock.nowMs()): Record<string, string> {
  return { [SPEED]: `${factor}@${sinceMs}` };
}

/** The clock that the environment asks for; the system's by default. */
export function clockOf(env: Readonly<Record<string, string | undefined>>): Clock {
  const text = env[SPEED];
  if (text === undefined) return systemClock;
  const [factor = NaN, sinceMs = NaN] = text.split('@').map(Number);
  return {
    nowMs: () => Math.floor(sinceMs + (systemClock.nowMs() - sinceMs) * factor),
    monotonicMs: () => systemClock.monotonicMs() * factor,
    schedule: (delayMs, fire): Timer => systemClock.schedule(delayMs / factor, fire),
  };
}
