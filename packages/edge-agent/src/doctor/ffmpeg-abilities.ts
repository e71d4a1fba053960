import { AppError } from '@gapless/shared/errors';
import type { Abilities } from './ability-policy.js';
import type { AskProgram } from './program-process.js';

/**
 * Asks an ffmpeg what it was built with.
 *
 * @throws FFMPEG_MISSING
 */
export async function ffmpegAbilities(ffmpeg: string, ask: AskProgram): Promise<Abilities> {
  const list = async (what: string): Promise<string> => {
    const { exitCode, stdout } = await ask(ffmpeg, ['-hide_banner', `-${what}`]);
    if (exitCode === 0) return stdout;
    throw new AppError('FFMPEG_MISSING', `${ffmpeg} -${what} ended with code ${exitCode ?? 'none'}`, {
      hint: 'Install it (apt install ffmpeg), or name its path as "ffmpeg" in the configuration.',
    });
  };
  return {
    version: versionIn(await list('version')),
    protocols: protocolsIn(await list('protocols')),
    demuxers: namesIn(await list('demuxers')),
    muxers: namesIn(await list('muxers')),
    decoders: namesIn(await list('decoders')),
    encoders: namesIn(await list('encoders')),
  };
}

export function versionIn(text: string): string {
  return /^ffmpeg version (\S+)/m.exec(text)?.[1] ?? 'of unknown version';
}

/** Names below `Input:`, one a line. */
export function protocolsIn(text: string): ReadonlySet<string> {
  const input = /^Input:\s*$([\s\S]*?)(?=^\S|(?![\s\S]))/m.exec(text)?.[1] ?? '';
  return new Set(input.split('\n').flatMap((line) => line.trim() || []));
}

/**
 * The names below the line of dashes: ` D  video4linux2,v4l2 Video4Linux2 device grab`. Coders have six columns of flags,
 * containers two, or three in an ffmpeg that tells devices from files.
 */
export function namesIn(text: string): ReadonlySet<string> {
  const lines = text.replace(/^[\s\S]*?^ -+\s*$/m, '').split('\n');
  const row = /^ (?:[A-Z.]{6}|[DE .]{2}[d .]?) (\S+) +\S/;
  return new Set(lines.flatMap((line) => row.exec(line)?.[1]?.split(',') ?? []));
}
