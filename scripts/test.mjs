// npm test: sets up, sees to the programs that some tests need, runs every test, and ends with one line that counts.
// Further arguments go to vitest: npm test -- packages/shared
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, installPackages, mayInstallPackages } from './debian.mjs';
import { findFfmpeg } from './find-ffmpeg.mjs';
import { Failure, main, run, runTool, say } from './lib.mjs';
import { CompileFailure, setup } from './setup.mjs';

const RTSP_SERVER = 'import gi; gi.require_version("GstRtspServer", "1.0")';

/** What tests run the product against, the Debian packages of each, and what is to be had without it. */
const PEERS = [
  {
    name: 'sshd',
    isThere: () => findProgram('sshd') !== undefined,
    packages: ['openssh-server'],
    without: 'the tests of SFTP against OpenSSH are skipped',
  },
  {
    name: 'ffmpeg',
    isThere: () => findProgram('ffmpeg') !== undefined,
    packages: ['ffmpeg'],
    without: 'video is recorded with an ffmpeg of 2018, if npm brought it',
  },
  {
    name: 'an RTSP server',
    isThere: async () => (await run('/usr/bin/python3', ['-c', RTSP_SERVER])).code === 0,
    packages: ['python3-gi', 'gir1.2-gst-rtsp-server-1.0', 'gstreamer1.0-plugins-good'],
    without: 'the tests of what cameras send are skipped',
  },
];

const SHOWN_SKIPPED = 20;

await main(import.meta.url, async (args) => {
  try {
    const broken = await prepare();
    const count = await runTests(args, { ...process.env, ...(await peers()) });
    if (broken !== undefined) {
      say(broken);
      count.failed++;
    }
    return close(count);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(error.message);
    return close({ passed: 0, failed: 1, skipped: 0 });
  }
});

/** Sets up; what does not compile is one failure, and no reason to keep the tests from running. */
async function prepare() {
  try {
    await setup({ allowInstall: true });
    return undefined;
  } catch (error) {
    if (error instanceof CompileFailure) return error.message;
    throw error;
  }
}

/** Installs what is missing where it may; the tests that need what is still missing skip themselves. */
async function peers() {
  for (const peer of PEERS) {
    if (await peer.isThere()) continue;
    try {
      if (!mayInstallPackages()) throw new Failure('only root on Debian can have it installed');
      await installPackages(peer.packages);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      say(`${peer.name} is missing (${error.message}): ${peer.without}`);
    }
  }
  try {
    return { GAPLESS_FFMPEG: (await findFfmpeg()).path };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(`${error.message} The tests that record video are skipped.`);
    return {};
  }
}

async function runTests(args, env) {
  const directory = mkdtempSync(join(tmpdir(), 'gapless-test-'));
  const file = join(directory, 'count.json');
  try {
    const { code } = await runTool(
      'vitest/vitest.mjs',
      ['run', '--reporter=default', '--reporter=./scripts/count-reporter.mjs', ...args],
      { env: { ...env, GAPLESS_TEST_COUNT: file }, show: true },
    );
    const counted = existsSync(file);
    const count = counted ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
    // Vitest can fail without a test that failed: no test matches, its own configuration is broken.
    if (code !== 0 && count.failed === 0) count.failed = 1;
    return count;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Names what was skipped, then prints the closing line, and is the exit code. */
function close({ passed, failed, skipped, skippedNames = [] }) {
  for (const name of skippedNames.slice(0, SHOWN_SKIPPED)) say(`skipped: ${name}`);
  if (skippedNames.length > SHOWN_SKIPPED) say(`and ${skippedNames.length - SHOWN_SKIPPED} more`);
  const mustNotSkip = process.env.CI_NO_SKIP === '1';
  if (mustNotSkip && skipped > 0) say('Nothing may be skipped here (CI_NO_SKIP=1).');
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  return failed > 0 || (mustNotSkip && skipped > 0) ? 1 : 0;
}
