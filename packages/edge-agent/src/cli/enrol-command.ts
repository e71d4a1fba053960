import type { CliOutput } from '@gapless/shared/cli';
import { nodeDisk } from '@gapless/shared/fs';
import { systemRandom } from '@gapless/shared/lifecycle';
import type { Command } from 'commander';
import { enrol } from '../link/index.js';
import { vehicleOf } from '../config.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';

export function addEnrolCommand(program: Command, output: CliOutput, context: CliContext): void {
  program
    .command('enroll')
    .description('enrol this vehicle at central with a claim code')
    .requiredOption('--central <url>', 'address of central, as in the configuration')
    .requiredOption('--code <code>', 'what "gapless-central enroll" printed')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .action(async (options: { central: string; code: string; config: string }) => {
      const config = await configOf(context, options.config);
      const enrolled = await enrol(
        { disk: nodeDisk, random: systemRandom, stateDir: config.stateDir },
        { vehicle: vehicleOf(config), centralUrl: options.central, code: options.code },
      );
      output.print({ vehicle: enrolled.vehicle, hostKeys: enrolled.hostKeys }, () =>
        [`Enrolled as ${enrolled.vehicle}.`, `Trusted SFTP host keys: ${enrolled.hostKeys.join(', ')}`].join(
          '\n',
        ),
      );
    });
}
