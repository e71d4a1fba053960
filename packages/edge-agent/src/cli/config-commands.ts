import type { CliOutput } from '@gapless/shared/cli';
import { configJsonSchema } from '@gapless/shared/config';
import type { Command } from 'commander';
import { edgeConfigSchema } from '../config.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';

export function addConfigCommands(program: Command, output: CliOutput, context: CliContext): void {
  const config = program.command('config').description('look at the configuration');
  config
    .command('check')
    .description('say whether a configuration file is right')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .action(async (options: { config: string }) => {
      const found = await configOf(context, options.config);
      const count = Object.keys(found.lenses).length;
      output.print(
        { ok: true, lenses: count },
        () => `${options.config} is in order: ${count} ${count === 1 ? 'lens' : 'lenses'}.`,
      );
    });
  config
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(() => {
      output.io.stdout.write(
        `${JSON.stringify(configJsonSchema(edgeConfigSchema, 'Gapless edge agent'), null, 2)}\n`,
      );
    });
}
