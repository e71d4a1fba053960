// Finds an ffmpeg for demo and tests. The product itself takes the one on the PATH or named in its configuration.
import { createRequire } from 'node:module';
import { findProgram, installPackages, isExecutable, mayInstallPackages } from './debian.mjs';
import { Failure, main, run } from './lib.mjs';

/**
 * @typedef {{ path: string, version: string, source: 'GAPLESS_FFMPEG' | 'PATH' | 'npm' | 'apt' }} Ffmpeg
 *
 * @param {{ allowInstall?: boolean, env?: Record<string, string | undefined> }} options `allowInstall` lets it install
 *   Debian's where {@link mayInstallPackages}
 * @returns {Promise<Ffmpeg>}
 * @throws {Failure} a sentence that says how to get one
 */
export async function findFfmpeg({ allowInstall = false, env = process.env } = {}) {
  const named = env.GAPLESS_FFMPEG;
  if (named !== undefined && named !== '') {
    const version = await versionOf(named);
    if (version === undefined)
      throw new Failure(`GAPLESS_FFMPEG names ${named}, which is no working ffmpeg.`);
    return { path: named, version, source: 'GAPLESS_FFMPEG' };
  }
  const found = (await usable(findProgram('ffmpeg'), 'PATH')) ?? (await usable(bundled(), 'npm'));
  if (found) return found;
  if (allowInstall && mayInstallPackages()) {
    await installPackages(['ffmpeg']);
    const installed = await usable(findProgram('ffmpeg'), 'apt');
    if (installed) return installed;
  }
  throw new Failure(
    'There is no ffmpeg. Install it (Debian: apt-get install ffmpeg, macOS: brew install ffmpeg), or set GAPLESS_FFMPEG to one.',
  );
}

async function usable(path, source) {
  const version = path === undefined ? undefined : await versionOf(path);
  return version === undefined ? undefined : { path, version, source };
}

async function versionOf(path) {
  const { code, output } = await run(path, ['-hide_banner', '-version']);
  return code === 0 ? (/^ffmpeg version (\S+)/m.exec(output)?.[1] ?? 'unknown') : undefined;
}

/**
 * The static build that an optional dependency brings. It is of 2018 and has eight years of known holes: good enough for
 * made-up pictures, never for a real camera.
 */
function bundled() {
  try {
    const { path } = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg');
    return isExecutable(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

await main(import.meta.url, async (args) => {
  const { path, version, source } = await findFfmpeg({ allowInstall: args.includes('--install') });
  process.stdout.write(`${path}  ${version}  (${source})\n`);
});
