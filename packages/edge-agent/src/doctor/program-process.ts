import { execFile } from 'node:child_process';

/** What a short-lived program said. */
export interface ProgramAnswer {
  /** Undefined when it did not run to its end: missing, killed, too slow. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
}

export type AskProgram = (command: string, args: readonly string[]) => Promise<ProgramAnswer>;

/** No program that is asked here has a reason to take longer. */
const TIMEOUT_MS = 20_000;
const MAX_OUTPUT_BYTES = 4 * 2 ** 20;

/** Runs a program to its end and hands back what it wrote to standard output. */
export const askProgram: AskProgram = (command, args) =>
  new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, encoding: 'utf8' } as const;
    execFile(command, args, options, (error, stdout) => {
      const code = error === null ? 0 : error.code;
      resolve({ exitCode: typeof code === 'number' ? code : undefined, stdout });
    });
  });
