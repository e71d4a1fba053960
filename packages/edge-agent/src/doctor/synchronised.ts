import { access } from 'node:fs/promises';
import { errnoOf } from '@gapless/shared/errors';
import type { AskProgram } from './program-process.js';

/** Made by systemd-timesyncd when it has set the clock for the first time since the boot. */
const TIMESYNCD_MARK = '/run/systemd/timesync/synchronized';

/** Whether a time server keeps the clock, by the kernel's own account; undefined when nobody can be asked. */
export async function isSynchronised(ask: AskProgram): Promise<boolean | undefined> {
  const { exitCode, stdout } = await ask('timedatectl', ['show', '--property=NTPSynchronized', '--value']);
  if (exitCode === 0) return stdout.trim() === 'yes';
  // Without a system bus, as on small images.
  try {
    await access(TIMESYNCD_MARK);
    return true;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}
