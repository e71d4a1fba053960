import { spawn } from 'node:child_process';
import { errnoOf } from '../errors/index.js';

/** How a decoder ended. */
export interface DecoderEnd {
  /** Why it could not be started, such as ENOENT. */
  readonly spawnError: string | undefined;
  /** The last of what it wrote to standard error. */
  readonly complaint: string;
}

/** A child process that makes pictures of what it is given. */
export interface DecoderProcess {
  /** What it writes, as it comes. */
  readonly output: AsyncIterable<Uint8Array>;
  readonly ended: Promise<DecoderEnd>;
  write(parts: readonly Uint8Array[]): void;
  /** Nothing more follows. */
  finish(): void;
  /** Ends it now. */
  kill(): void;
}

export type StartDecoder = (ffmpeg: string, args: readonly string[]) => DecoderProcess;

const COMPLAINT_BYTES = 4 * 1024;

export const startDecoder: StartDecoder = (ffmpeg, args) => {
  const child = spawn(ffmpeg, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  let spawnError: string | undefined;
  // One that is gone before it has read everything says why on its standard error.
  child.stdin.on('error', () => undefined);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-COMPLAINT_BYTES);
  });
  child.on('error', (error) => (spawnError = errnoOf(error) ?? error.message));
  const ended = new Promise<DecoderEnd>((resolve) => {
    child.on('close', () => resolve({ spawnError, complaint }));
  });
  return {
    output: child.stdout,
    ended,
    write: (parts) => {
      child.stdin.cork();
      for (const part of parts) child.stdin.write(part);
      child.stdin.uncork();
    },
    finish: () => void child.stdin.end(),
    kill: () => void child.kill('SIGKILL'),
  };
};
