import type { CliOutput } from '@gapless/shared/cli';
import type { Command } from 'commander';
import type { ReloadReply } from '../control/index.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';
import { ControlClient } from './control-client.js';

export function addReloadCommand(program: Command, output: CliOutput, context: CliContext): void {
  program
    .command('reload')
    .description('let the agent read its configuration again; lenses that have not changed record on')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .addHelpText('after', '\nExits with 2 for a wrong configuration, with 5 when some of it needs a restart.')
    .action(async (options: { config: string }) => {
      const { stateDir } = await configOf(context, options.config);
      const client = new ControlClient(stateDir, context.shutdown);
      const reply = await client.send<ReloadReply>({ method: 'POST', path: 'reload' });
      output.print(reply, () => text(reply));
      if (reply.needsRestart.length === 0) return;
      output.partlyDone();
      output.say(`warning: this needs a restart: ${reply.needsRestart.join(', ')}`);
      output.say('hint: systemctl restart gapless-edge');
    });
}

function text({ changed, started, ended, restarted }: ReloadReply): string {
  if (changed.length === 0) return 'Nothing has changed.';
  const named = (what: string, lenses: readonly string[]): string[] =>
    lenses.length === 0 ? [] : [`${what}: ${lenses.join(', ')}`];
  return [
    `In force: ${changed.join(', ')}`,
    ...named('Recorded from now on', started),
    ...named('Recorded no more', ended),
    ...named('Recorded in a new run', restarted),
  ].join('\n');
}
