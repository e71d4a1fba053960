import type { AppError } from '../errors/index.js';
import { redactUrls } from '../log/index.js';

/** Who speaks, for the request to report a fault. */
export interface Program {
  readonly name: string;
  readonly version: string;
}

const RED_LABEL = '\u001b[31merror:\u001b[39m';

/**
 * An error for a person: what was wrong and what to do, one line each. Only a fault of the program itself shows where it
 * happened, since only then is it of use to anyone.
 */
export function errorText(error: AppError, program: Program, colour: boolean): string {
  const label = colour ? RED_LABEL : 'error:';
  const lines = error.message.includes('\n') ? [error.message] : [`${label} ${error.message}`];
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  if (error.kind === 'internal') {
    lines.push(stackOf(error));
    lines.push(
      `This is a fault of ${program.name} ${program.version}. Please report it with the lines above.`,
    );
  }
  return `${redactUrls(lines.join('\n'))}\n`;
}

/** The same for a program: one JSON object on one line. */
export function errorJson(error: AppError): string {
  const { code, kind, message, hint, details } = error;
  const stack = kind === 'internal' ? { stack: stackOf(error) } : {};
  return `${redactUrls(JSON.stringify({ error: { code, kind, message, hint, details, ...stack } }))}\n`;
}

/** Where the fault happened: in what was thrown, not where it was taken for a fault. */
function stackOf(error: AppError): string {
  const { cause } = error;
  return (cause instanceof Error ? cause.stack : error.stack) ?? '';
}
