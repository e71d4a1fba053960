import { Command, CommanderError } from 'commander';
import { errorKinds, toAppError } from '../errors/index.js';
import type { CliIo } from './cli-io.js';
import { exitCodes, mayColour } from './cli-io.js';
import { CliOutput } from './cli-output.js';
import { errorJson, errorText } from './error-text.js';
import { usageError } from './usage-error.js';

/** A command line: its name, what it is, and its commands. */
export interface Cli {
  /** As it is typed: `gapless-edge`. */
  readonly name: string;
  readonly version: string;
  /** One sentence for `--help`. */
  readonly summary: string;
  /** Adds the commands. Their actions speak through `output` and fail by throwing. */
  readonly addCommands: (program: Command, output: CliOutput) => void;
}

/**
 * Runs one command line to its end. Resolves always: what a command throws is said on standard error, and the exit code
 * follows from the kind of the error.
 *
 * @param argv the arguments alone, without the names of the runtime and the script
 */
export async function runCli(cli: Cli, argv: readonly string[], io: CliIo): Promise<void> {
  const json = asksForJson(argv);
  const output = new CliOutput(io, json);
  const program = new Command(cli.name);
  program
    .description(cli.summary)
    .version(`${cli.name} ${cli.version}`, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('--json', 'print data and errors as JSON, for programs');
  cli.addCommands(program, output);
  prepare(program, io);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError && isAnswered(thrown)) {
      // Help that was asked for is a success; help in place of a missing command is not.
      if (thrown.code === 'commander.help') io.setExitCode(exitCodes.usage);
      return;
    }
    const error = thrown instanceof CommanderError ? usageError(thrown, program, argv) : toAppError(thrown);
    io.setExitCode(errorKinds[error.kind].exitCode);
    io.stderr.write(json ? errorJson(error) : errorText(error, cli, mayColour(io)));
  }
}

/** Known before parsing, because an error of parsing has to be JSON, too. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
}

/** Commander writes help, version and its own errors itself; all of that goes through `io` instead, at every level. */
function prepare(command: Command, io: CliIo): void {
  command
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: command.parent !== null })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => io.columns,
      getErrHelpWidth: () => io.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  for (const child of command.commands) prepare(child, io);
}

function isAnswered(thrown: CommanderError): boolean {
  return ['commander.helpDisplayed', 'commander.help', 'commander.version'].includes(thrown.code);
}
