import { writeSync } from 'node:fs';
import type { StepHook } from '@gapless/shared/lifecycle';

/** Names the step of `docs/design/durability.md` at which a daemon under test ends itself as a crash would. */
export const CRASH_AT = 'GAPLESS_TEST_CRASH_AT';

/**
 * Ends the process at the step that the environment names, without a chance to put anything in order: SIGKILL to
 * oneself is delivered before the call returns.
 */
export function crashStep(process: NodeJS.Process): StepHook {
  const at = process.env[CRASH_AT];
  return (step) => {
    if (step !== at) return;
    writeSync(process.stderr.fd, `${JSON.stringify({ msg: `crashed at ${step}` })}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
}
