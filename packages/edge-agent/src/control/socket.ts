import { chmod, lstat, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { AppError, errnoOf } from '@gapless/shared/errors';

/** `sockaddr_un` of Linux has 108 bytes for the path and its end. */
const MAX_PATH_BYTES = 107;

/** Where an agent is asked, by its state directory. */
export function controlPath(stateDir: string): string {
  return join(stateDir, 'control.sock');
}

/**
 * Listens on the socket at `path`, for its owner alone. What a dead agent left there is replaced: the caller holds the
 * lock on the state directory, so no living agent listens on it.
 *
 * @throws CONTROL_PATH_UNUSABLE for a path that is too long, or at which something else lies
 */
export async function listenAt(app: FastifyInstance, path: string): Promise<void> {
  // A socket has its mode only once it is there; nobody knows it under its name before that.
  const unnamed = join(dirname(path), 'control.new');
  requireShort(path);
  await requireReplaceable(path);
  await rm(unnamed, { force: true });
  try {
    await app.listen({ path: unnamed });
    await chmod(unnamed, 0o600);
    await rename(unnamed, path);
  } catch (thrown) {
    throw unusable(path, errnoOf(thrown) ?? String(thrown), thrown);
  }
}

/** Takes the socket away, so that nobody waits at it. */
export async function unlisten(app: FastifyInstance, path: string): Promise<void> {
  await rm(path, { force: true });
  await app.close();
}

function requireShort(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_PATH_BYTES) return;
  throw new AppError(
    'CONTROL_PATH_UNUSABLE',
    `the path of the agent's socket has ${bytes} bytes and may have ${MAX_PATH_BYTES}: ${path}`,
    { hint: 'Set "stateDir" to a shorter path.' },
  );
}

async function requireReplaceable(path: string): Promise<void> {
  try {
    if ((await lstat(path)).isSocket()) return;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return;
    throw unusable(path, errnoOf(thrown) ?? String(thrown), thrown);
  }
  throw unusable(path, 'something else than a socket lies there', undefined);
}

function unusable(path: string, why: string, cause: unknown): AppError {
  return new AppError('CONTROL_PATH_UNUSABLE', `cannot listen at ${path}: ${why}`, { cause });
}
