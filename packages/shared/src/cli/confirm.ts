import { createInterface } from 'node:readline/promises';
import { AppError, cancelled, toAppError } from '../errors/index.js';
import { mayRewrite } from './cli-io.js';
import type { CliOutput } from './cli-output.js';

export interface ConfirmPort {
  readonly output: CliOutput;
  /** Where the answer is typed. */
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly signal: AbortSignal;
}

/**
 * Asks a person whether to go on; anything but yes is a no.
 *
 * @throws CONFIRMATION_NEEDED where no person sits, CANCELLED when the signal aborts
 */
export async function confirm(question: string, { output, stdin, signal }: ConfirmPort): Promise<boolean> {
  if (output.json || !mayRewrite(output.io) || stdin.isTTY !== true)
    throw new AppError('CONFIRMATION_NEEDED', 'this has to be confirmed, and nobody is here to ask', {
      hint: 'Pass --yes to do it without asking.',
    });
  output.io.stderr.write(`${question} [y/N] `);
  const answers = createInterface({ input: stdin });
  // The end of the input is a no, too.
  const ended = new Promise<string>((resolve) => answers.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([answers.question('', { signal }), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } catch (thrown) {
    throw signal.aborted ? cancelled('stopped before an answer was given') : toAppError(thrown);
  } finally {
    answers.close();
  }
}
