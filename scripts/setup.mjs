// Makes a fresh clone ready to run: packages, the native SQLite addon, compiled TypeScript. Does only what is missing,
// so that it costs next to nothing the second time and needs no network then.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installPackages, mayInstallPackages } from './debian.mjs';
import { Failure, main, manifest, root, run, runTool, say, tail } from './lib.mjs';

const STAMP = join(root, 'node_modules', '.gapless-setup');

/** The sources do not compile; everything else is ready. */
export class CompileFailure extends Failure {}

/**
 * @param {{ quiet?: boolean, allowInstall?: boolean }} options `quiet` says only what goes wrong; `allowInstall`
 *   lets it install a compiler where {@link mayInstallPackages}
 * @throws {Failure} a sentence that says what is missing and what to do
 */
export async function setup({ quiet = false, allowInstall = false } = {}) {
  const talk = quiet ? () => undefined : say;
  checkNode();
  if (!isInstalled()) await install({ talk, allowInstall });
  await compile(talk);
}

/** The floor is `engines` in package.json; between the lines with long-term support some tools leave versions out. */
function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
  if (!fits)
    throw new Failure(
      `Gapless needs Node 20.19 or newer (of 22: 22.12 or newer). This is Node ${process.versions.node}.`,
    );
}

/** Changes whenever the installed packages no longer fit: other packages, another Node, another machine. */
function stampWanted() {
  const hash = createHash('sha256');
  hash.update(`${process.versions.modules} ${process.platform} ${process.arch}\n`);
  const projects = ['.', 'test/harness', 'demo', 'bench', ...inside('packages')];
  const files = projects.map((project) => join(project, 'package.json'));
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', ...files])
    if (existsSync(join(root, file))) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  // The commands of the packages are linked when they are installed, and only if they exist by then.
  for (const project of inside('packages'))
    if (existsSync(join(root, project, 'bin'))) hash.update(inside(join(project, 'bin')).join('\n'));
  return hash.digest('hex');
}

function inside(directory) {
  return readdirSync(join(root, directory))
    .sort()
    .map((name) => join(directory, name));
}

function isInstalled() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stampWanted();
}

async function install({ talk, allowInstall }) {
  talk('installing packages');
  rmSync(STAMP, { force: true });
  let failed = await installWithAddon(talk);
  if (failed !== undefined && isBuildFailure(failed) && allowInstall && mayInstallPackages()) {
    await installPackages(['g++', 'make', 'python3']);
    failed = await installWithAddon(talk);
  }
  if (failed !== undefined) throw new Failure(installFailure(failed));
  if (!(await sqliteLoads()))
    throw new Failure(`The SQLite addon is installed but does not load. ${COMPILER}`);
  writeFileSync(STAMP, stampWanted());
}

/** Returns what pnpm wrote if it failed. */
async function installWithAddon(talk) {
  const failed = await pnpm(['install', '--frozen-lockfile'], talk);
  if (failed !== undefined || (await sqliteLoads())) return failed;
  // pnpm leaves alone what it takes for built, also when that was for another Node or went wrong the last time. Only a
  // recursive rebuild reaches packages that the root itself does not depend on.
  return pnpm(['--recursive', 'rebuild', 'better-sqlite3'], talk);
}

const COMPILER = 'It needs a C++ compiler, make and Python 3, on Debian: apt-get install g++ make python3';

/** Runs pnpm, of the version that package.json names; returns what it wrote if it failed. */
async function pnpm(args, talk) {
  let toldOfBuild = false;
  const { code, output } = await run(
    'npx',
    ['-y', manifest.packageManager, ...args, '--reporter=append-only'],
    {
      env: {
        ...process.env,
        ...headersOfThisNode(),
        // Nobody is there to answer whether an old node_modules may go.
        npm_config_confirm_modules_purge: 'false',
        NO_UPDATE_NOTIFIER: '1',
      },
      onLine: (line) => {
        if (toldOfBuild || !/better-sqlite3.*install/.test(line)) return;
        toldOfBuild = true;
        talk('building the SQLite addon, about a minute');
      },
    },
  );
  return code === 0 ? undefined : output;
}

/**
 * Native addons are compiled against Node's headers. Where those lie beside the running Node, as Debian and nvm put
 * them, saying so spares a download that a closed network would refuse.
 */
function headersOfThisNode() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  const header = join(prefix, 'include', 'node', 'node_version.h');
  if (!existsSync(header)) return {};
  const found = /#define NODE_MAJOR_VERSION (\d+)/.exec(readFileSync(header, 'utf8'))?.[1];
  return found === process.versions.node.split('.')[0] ? { npm_config_nodedir: prefix } : {};
}

/** Whether the addon does its work, asked in a process of its own: a wrong one can end the process that loads it. */
async function sqliteLoads() {
  const script = "new (require('better-sqlite3'))(':memory:').prepare('select 1').get()";
  const { code } = await run(process.execPath, ['-e', script], { cwd: join(root, 'packages/shared') });
  return code === 0;
}

function isBuildFailure(output) {
  return /better-sqlite3.*(install|build)|node-gyp|gyp ERR/.test(output);
}

function installFailure(output) {
  if (isBuildFailure(output)) return `${tail(output, 15)}\nThe SQLite addon could not be built. ${COMPILER}`;
  if (/ERR_PNPM_OUTDATED_LOCKFILE/.test(output))
    return `pnpm-lock.yaml does not fit the package.json files. Run: npx ${manifest.packageManager} install`;
  const unreachable = /^.*(ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ERR_PNPM_META_FETCH_FAIL).*$/m.exec(
    output,
  );
  if (unreachable)
    return `${unreachable[0].trim()}\nThe package registry cannot be reached, which the first run needs: connect to the network, or name a mirror with npm config set registry URL.`;
  return `${tail(output)}\nThe packages could not be installed.`;
}

async function compile(talk) {
  talk('compiling');
  const { code, output } = await runTool('typescript/bin/tsc', ['--build']);
  if (code !== 0) throw new CompileFailure(`${tail(output)}\nTypeScript found errors.`);
}

await main(import.meta.url, () => setup({ allowInstall: false }));
