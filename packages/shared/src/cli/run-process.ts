import { cancelled } from '../errors/index.js';
import { deadline, systemClock } from '../time/index.js';
import type { ProcessLike } from './cli-io.js';
import { cliIo } from './cli-io.js';
import type { Cli } from './run-cli.js';
import { runCli } from './run-cli.js';

/** An orderly stop may take this long; then the process goes without it. */
const STOP_DEADLINE_MS = 10_000;

/** What the commands of a daemon take from the process they run in. */
export interface ProcessContext {
  /** Aborts when the process is asked to stop. */
  readonly shutdown: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls `listener` at each SIGHUP; where nobody listens, it ends the process as usual. */
  readonly onHangup: (listener: () => void) => void;
}

/** The parts of Node's `process` that {@link runProcess} needs. */
export interface DaemonProcess extends ProcessLike {
  readonly argv: readonly string[];
  readonly pid: number;
  on(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): unknown;
  kill(pid: number, signal: 'SIGKILL'): unknown;
}

/** Runs the command line of a daemon as a process: SIGINT and SIGTERM stop it in an orderly way, within a deadline. */
export async function runProcess(
  process: DaemonProcess,
  cli: Omit<Cli, 'addCommands'> & {
    readonly addCommands: (...face: [...Parameters<Cli['addCommands']>, ProcessContext]) => void;
  },
): Promise<void> {
  const shutdown = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (shutdown.signal.aborted) return;
      shutdown.abort(cancelled(`stopped by ${signal}`));
      deadline(STOP_DEADLINE_MS, () => process.kill(process.pid, 'SIGKILL'));
    });
  }
  const onHangup = (listener: () => void): void => void process.on('SIGHUP', listener);
  const context = { shutdown: shutdown.signal, env: process.env, onHangup };
  await runCli(
    { ...cli, addCommands: (program, output) => cli.addCommands(program, output, context) },
    process.argv.slice(2),
    cliIo(process, systemClock),
  );
}
