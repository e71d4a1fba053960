import type { CliOutput } from '@gapless/shared/cli';
import type { Command } from 'commander';
import { addCheckCommand } from './check-command.js';
import { addCompletionCommands } from './completion-commands.js';
import type { CliContext } from './context.js';
import { addEnrolCommand } from './enrol-command.js';
import { addRunCommand } from './run-command.js';
import { addTimelineCommands } from './timeline-commands.js';
import { addVehicleCommands } from './vehicle-commands.js';

/** All commands of `gapless-central`. */
export function addCommands(program: Command, output: CliOutput, context: CliContext): void {
  addRunCommand(program, output, context);
  addEnrolCommand(program, output, context);
  addVehicleCommands(program, output, context);
  addTimelineCommands(program, output, context);
  addCompletionCommands(program, output, context);
  addCheckCommand(program, output, context);
}
