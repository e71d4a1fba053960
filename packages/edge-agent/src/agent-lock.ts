import { join } from 'node:path';
import { AppError } from '@gapless/shared/errors';
import { tryLock } from '@gapless/shared/sqlite';
import { SECOND_MS } from '@gapless/shared/time';

export function agentLockPath(stateDir: string): string {
  return join(stateDir, 'agent.lock');
}

/** A `check` takes the lock for a moment, to see whether an agent runs; that keeps none from starting. */
const WAIT_MS = SECOND_MS;

/**
 * Makes sure that nothing else works on the recordings and the index of `stateDir`: no second agent, no rebuilding.
 * The lock ends with the process.
 *
 * @throws AGENT_RUNNING, STORAGE_UNWRITABLE
 */
export function lockState(stateDir: string): Disposable {
  const lock = tryLock(agentLockPath(stateDir), WAIT_MS);
  if (lock) return lock;
  throw new AppError('AGENT_RUNNING', `another agent is running on ${stateDir}`, {
    hint: 'Stop it first: systemctl stop gapless-edge',
  });
}
