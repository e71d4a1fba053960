import { spawn } from 'node:child_process';
import { AppError, errnoOf } from '@gapless/shared/errors';
import type { Clock } from '@gapless/shared/time';
import type { RecorderCommand } from './recorder-input.js';

/** How a recorder child ended. */
export interface ProcessEnd {
  /** Undefined when a signal ended it or it never started. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Why it could not be started, such as ENOENT. */
  readonly spawnError: string | undefined;
  /** The last of what it wrote to standard error. */
  readonly stderrTail: string;
}

/** A child process that writes fragmented MP4 to its standard output. */
export interface RecorderProcess {
  /** What it writes, as it comes; ends with it. */
  readonly output: AsyncIterable<Uint8Array>;
  readonly ended: Promise<ProcessEnd>;
  /** Asks it to finish; what it still writes is worth having. Kills it when it takes too long. */
  stop(): void;
  /** Ends it now. */
  kill(): void;
}

export type StartProcess = (ffmpeg: string, command: RecorderCommand, clock: Clock) => RecorderProcess;

/** How long ffmpeg may take to write its last fragment after it was asked to stop. */
const STOP_GRACE_MS = 2_000;

const STDERR_TAIL_BYTES = 8 * 1024;

export const startFfmpeg: StartProcess = (ffmpeg, { args, script }, clock) => {
  const child = spawn(ffmpeg, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  // A child that is gone before it has read its script says why on its standard error.
  child.stdin.on('error', () => undefined).end(script);
  let stderrTail = '';
  let spawnError: string | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderrTail = (stderrTail + text).slice(-STDERR_TAIL_BYTES);
  });
  child.on('error', (error: NodeJS.ErrnoException) => (spawnError = error.code ?? error.message));
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.on('close', (exitCode, signal) => {
      resolve({ exitCode: exitCode ?? undefined, signal: signal ?? undefined, spawnError, stderrTail });
    });
  });
  return {
    output: child.stdout,
    ended,
    stop: () => {
      child.kill('SIGINT');
      const timer = clock.schedule(STOP_GRACE_MS, () => child.kill('SIGKILL'));
      void ended.then(() => timer[Symbol.dispose]());
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
};

/**
 * Makes sure that ffmpeg can be run, before anything depends on it.
 *
 * @throws FFMPEG_MISSING
 */
export async function requireFfmpeg(command: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(command, ['-hide_banner', '-version'], { stdio: 'ignore' });
    const missing = (reason: string, cause?: unknown): AppError =>
      new AppError('FFMPEG_MISSING', `ffmpeg cannot be run: ${reason}`, {
        cause,
        hint: 'Install it (apt install ffmpeg), or name its path as "ffmpeg" in the configuration.',
      });
    child.once('error', (error) => {
      const isAbsent = errnoOf(error) === 'ENOENT';
      const absent = command.includes('/') ? `there is no ${command}` : `there is no ${command} on the PATH`;
      reject(missing(isAbsent ? absent : `${command}: ${error.message}`, error));
    });
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(missing(`${command} -version ended with code ${code}`));
    });
  });
}
