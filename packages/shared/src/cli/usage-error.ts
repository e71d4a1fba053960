import type { Command, CommanderError } from 'commander';
import { nearestName } from '../config/nearest-name.js';
import { AppError } from '../errors/index.js';

/** Commander's complaint about the arguments as an error of ours, with the nearest right name and where help is. */
export function usageError(thrown: CommanderError, program: Command, argv: readonly string[]): AppError {
  const command = commandNamed(program, argv);
  const { message, meant } = misspeltOption(thrown, command, argv) ?? complaint(thrown);
  const suggestion = meant === undefined ? '' : `Did you mean ${meant}? `;
  return new AppError('ARGUMENT_INVALID', message, {
    cause: thrown,
    hint: `${suggestion}See: ${wordsOf(command).join(' ')} --help`,
  });
}

interface Complaint {
  readonly message: string;
  readonly meant: string | undefined;
}

function complaint(thrown: CommanderError): Complaint {
  const text = thrown.message.replace(/^error: /, '');
  const [message = text] = text.split('\n');
  const meant = /\(Did you mean ([^)]*?)\?\)/s.exec(text)?.[1] ?? nearestChoice(text);
  return { message: message.replace(/\.$/, ''), meant };
}

/** Commander lists the choices of an option, but does not say which one is near. */
function nearestChoice(text: string): string | undefined {
  const match = /argument '([^']*)' is invalid\. Allowed choices are (.*)\.$/.exec(text);
  return match ? nearestName(match[1] ?? '', (match[2] ?? '').split(', ')) : undefined;
}

/**
 * Commander looks for what is missing before it looks for what is unknown, and so calls a misspelt `--from` missing.
 * The misspelling is what the user has to see.
 */
function misspeltOption(
  thrown: CommanderError,
  command: Command,
  argv: readonly string[],
): Complaint | undefined {
  if (thrown.code !== 'commander.missingMandatoryOptionValue') return undefined;
  const known = lineage(command).flatMap(({ options }) => options.flatMap(({ long }) => long ?? []));
  const typed = argv
    .filter((word) => /^--[a-z]/i.test(word))
    .map((word) => word.replace(/=.*/s, ''))
    .find((word) => !known.includes(word));
  return typed === undefined
    ? undefined
    : { message: `unknown option '${typed}'`, meant: nearestName(typed, known) };
}

/** The deepest command that the arguments name. */
function commandNamed(program: Command, argv: readonly string[]): Command {
  let at = program;
  for (const word of argv)
    at = at.commands.find((command) => command.name() === word || command.aliases().includes(word)) ?? at;
  return at;
}

/** A command and those it is part of, the program first. */
function lineage(command: Command): Command[] {
  return command.parent ? [...lineage(command.parent), command] : [command];
}

function wordsOf(command: Command): string[] {
  return lineage(command).map((one) => one.name());
}
