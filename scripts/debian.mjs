// Installing what Debian packages, where that is ours to do: as root, on Debian, on a machine that is there to run tests.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Failure, run, say, tail } from './lib.mjs';

/** Where a program of that name is on the PATH; `undefined` if it is not. Root's own directories count, too. */
export function findProgram(name) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return directories
    .filter(Boolean)
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether Debian packages can be installed here without asking anyone. */
export function mayInstallPackages() {
  return process.getuid?.() === 0 && findProgram('apt-get') !== undefined && isExecutable('/usr/bin/dpkg');
}

let updated = false;

/** Installs Debian packages; throws a sentence when apt cannot. */
export async function installPackages(packages) {
  say(`installing ${packages.join(', ')} with apt-get`);
  const env = {
    ...process.env,
    DEBIAN_FRONTEND: 'noninteractive',
    // Debian starts a service as soon as it is installed; in run level 1 it does not. The tests start what they need.
    RUNLEVEL: '1',
  };
  const apt = (...args) => run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], { env });
  if (!updated) await apt('update');
  updated = true;
  const { code, output } = await apt('install', '-y', '--no-install-recommends', ...packages);
  if (code !== 0) throw new Failure(`apt-get could not install ${packages.join(', ')}:\n${tail(output, 15)}`);
}
