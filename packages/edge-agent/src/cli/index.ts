import type { CliOutput } from '@gapless/shared/cli';
import type { Command } from 'commander';
import type { CliContext } from './context.js';
import { addClipCommand } from './clip-command.js';
import { addCheckCommand } from './check-command.js';
import { addConfigCommands } from './config-commands.js';
import { addDoctorCommand } from './doctor-command.js';
import { addEnrolCommand } from './enrol-command.js';
import { addProtectionCommands } from './protection-commands.js';
import { addReduceCommand } from './reduce-command.js';
import { addReloadCommand } from './reload-command.js';
import { addRemoveCommand } from './remove-command.js';
import { addRunCommand } from './run-command.js';
import { addSegmentsCommand } from './segments-command.js';
import { addSnapshotCommand } from './snapshot-command.js';
import { addStatusCommand } from './status-command.js';
import { addUploadCommand } from './upload-command.js';
import { addUploadsCommand } from './uploads-command.js';

/** All commands of `gapless-edge`. */
export function addCommands(program: Command, output: CliOutput, context: CliContext): void {
  addRunCommand(program, output, context);
  addEnrolCommand(program, output, context);
  addReloadCommand(program, output, context);
  addStatusCommand(program, output, context);
  addSegmentsCommand(program, output, context);
  addClipCommand(program, output, context);
  addSnapshotCommand(program, output, context);
  addProtectionCommands(program, output, context);
  addRemoveCommand(program, output, context);
  addCheckCommand(program, output, context);
  addDoctorCommand(program, output, context);
  addConfigCommands(program, output, context);
  addUploadCommand(program, output, context);
  addUploadsCommand(program, output, context);
  addReduceCommand(program, output, context);
}
