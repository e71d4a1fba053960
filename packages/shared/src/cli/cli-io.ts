import type { Clock } from '../time/index.js';

/** What a command line ends with; `docs/guide/commands.md` lists them for users. */
export const exitCodes = {
  done: 0,
  failed: 1,
  /** Wrong usage or configuration. */
  usage: 2,
  /** Not allowed: permission, protection. */
  refused: 3,
  notFound: 4,
  partlyDone: 5,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface TextSink {
  write(text: string): unknown;
}

/** Everything that a command line touches of the process it runs in, handed in so that tests can look at it. */
export interface CliIo {
  /** Data alone: what a pipe or a script reads. */
  readonly stdout: TextSink;
  /** Talk: errors, notes, progress. */
  readonly stderr: TextSink;
  /** Whether a person watches {@link stderr} on a terminal. */
  readonly isTty: boolean;
  /** Width of that terminal in characters. */
  readonly columns: number;
  /** Its height in lines. */
  readonly rows: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  setExitCode(code: ExitCode): void;
}

/** The parts of Node's `process` that {@link cliIo} needs. */
export interface ProcessLike {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  exitCode?: number | string | null | undefined;
}

/** The real process as a {@link CliIo}; called by `main.ts` with `process`. */
export function cliIo(process: ProcessLike, clock: Clock): CliIo {
  // `gapless-central gaps | head` closes the pipe early; that is the reader's right and no error of ours.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    isTty: process.stderr.isTTY && process.env['TERM'] !== 'dumb',
    columns: process.stderr.columns || 80,
    rows: process.stderr.rows || 24,
    env: process.env,
    clock,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}

/**
 * Whether a line may be rewritten in place: on a terminal that a person watches, and never under systemd, whose journal
 * would keep every rewriting as an entry of its own.
 */
export function mayRewrite(io: CliIo): boolean {
  return io.isTty && !io.env['JOURNAL_STREAM'];
}

/** Whether colours are wanted, by the convention of no-color.org. */
export function mayColour(io: CliIo): boolean {
  return mayRewrite(io) && !io.env['NO_COLOR'];
}
