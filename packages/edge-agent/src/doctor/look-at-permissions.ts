import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { errnoOf } from '@gapless/shared/errors';
import type { Diagnosis } from './finding.js';
import { failed, ok, warning } from './finding.js';

export interface PlacesToLookAt {
  readonly stateDir: string;
  readonly storageDir: string;
}

/** Whether this user may write where the agent has to, and nobody else can read its secrets. */
export async function lookAtPermissions({ stateDir, storageDir }: PlacesToLookAt): Promise<Diagnosis[]> {
  const findings: Diagnosis[] = [];
  for (const [key, directory] of [
    ['stateDir', stateDir],
    ['storage.dir', storageDir],
  ] as const) {
    const refusal = await writeRefusal(directory);
    if (refusal !== undefined) findings.push(unwritable(key, directory, refusal));
  }
  const state = await statOf(stateDir);
  if (state) findings.push(...(await lookAtSecrets(stateDir, state)));
  if (findings.length > 0) return findings;
  const user = userInfo();
  if (state && user.uid === 0 && state.uid !== 0)
    return [
      warning(
        'all may be written, but this is root, who may write everywhere',
        `Look again as the user of the agent: sudo -u '#${state.uid}' gapless-edge doctor`,
      ),
    ];
  return [ok(`${user.username} may write to stateDir and storage.dir, and others cannot read the secrets`)];
}

function unwritable(key: string, directory: string, errno: string): Diagnosis {
  const { uid, username } = userInfo();
  return failed(
    `${username} (user ${uid}) cannot write to ${key} ${directory}: ${errno}`,
    errno === 'EROFS'
      ? 'The file system is read-only; after an error the kernel remounts it so. Look at the kernel log.'
      : `Give the user of the agent the right to write there, or look again as that user: sudo -u USER gapless-edge doctor`,
  );
}

/** Why nothing can be written below a directory, or where it would have to be made; undefined when it can. */
async function writeRefusal(directory: string): Promise<string | undefined> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (thrown) {
    const errno = errnoOf(thrown);
    const parent = dirname(directory);
    if (errno === 'ENOENT' && parent !== directory) return writeRefusal(parent);
    return errno ?? String(thrown);
  }
}

async function lookAtSecrets(stateDir: string, state: Stats): Promise<Diagnosis[]> {
  const findings: Diagnosis[] = [];
  const keys = join(stateDir, 'keys');
  const found = await readdir(keys, { recursive: true }).catch((thrown: unknown) => {
    if (errnoOf(thrown) === 'ENOENT') return undefined;
    if (errnoOf(thrown) === 'EACCES') return 'refused';
    throw thrown;
  });
  if (found === undefined) return [];
  if (found === 'refused')
    return [
      failed(
        `${keys} cannot be read by ${userInfo().username}`,
        `Look again as the user of the agent: sudo -u '#${state.uid}' gapless-edge doctor`,
      ),
    ];
  for (const path of [keys, ...found.map((name) => join(keys, name))]) {
    const one = await statOf(path);
    if (!one) continue;
    if ((one.mode & 0o077) !== 0)
      findings.push(
        failed(
          `${path} can be read by other users (mode ${(one.mode & 0o777).toString(8)})`,
          `Replace the key if others may have seen it, then: chmod ${one.isDirectory() ? '700' : '600'} ${path}`,
        ),
      );
    if (one.uid !== state.uid)
      findings.push(
        failed(
          `${path} belongs to user ${one.uid}, and stateDir to user ${state.uid}`,
          `Give it to the user of the agent: chown '${state.uid}:${state.gid}' ${path}`,
        ),
      );
  }
  return findings;
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (thrown) {
    // What may not be looked into was told as not writable.
    if (['ENOENT', 'EACCES'].includes(errnoOf(thrown) ?? '')) return undefined;
    throw thrown;
  }
}
