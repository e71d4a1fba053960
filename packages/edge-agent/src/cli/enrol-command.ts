import type { CliOutput } from '@gapless/shared/cli';
import { AppError } from '@gapless/shared/errors';
import { nodeDisk } from '@gapless/shared/fs';
import type { Command } from 'commander';
import { IdentityFile, loadKeys, redeemClaim } from '../link/index.js';
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
      const keys = await loadKeys(nodeDisk, config.stateDir);
      const enrolled = await redeemClaim(options.central, options.code, keys);
      if (enrolled.vehicle !== config.vehicle) {
        throw new AppError(
          'CLAIM_REFUSED',
          `the code is for ${enrolled.vehicle}, the configuration says ${config.vehicle}`,
          {
            hint: 'Correct "vehicle" in the configuration, or ask for a code for this vehicle.',
          },
        );
      }
      const identity = await IdentityFile.load(nodeDisk, config.stateDir);
      await identity.enrol(enrolled);
      output.print({ vehicle: enrolled.vehicle, hostKeys: enrolled.hostKeys }, () =>
        [`Enrolled as ${enrolled.vehicle}.`, `Trusted SFTP host keys: ${enrolled.hostKeys.join(', ')}`].join(
          '\n',
        ),
      );
    });
}
