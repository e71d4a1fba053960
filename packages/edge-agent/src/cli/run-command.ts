import type { CliOutput } from '@gapless/shared/cli';
import { nodeDisk } from '@gapless/shared/fs';
import { ServiceManager, systemdNotify, systemRandom } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import type { Command } from 'commander';
import { Agent } from '../agent.js';
import { requireFfmpeg } from '../record/index.js';
import { version } from '../version.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';

export function addRunCommand(program: Command, output: CliOutput, context: CliContext): void {
  program
    .command('run')
    .description('run the agent in the foreground')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .action(async (options: { config: string }) => {
      const config = await configOf(context, options.config);
      await requireFfmpeg(config.ffmpeg);
      const log = createLog('gapless-edge', config.log.level, {
        write: (line) => void output.io.stderr.write(line),
      });
      await using _agent = await Agent.start({
        config,
        version,
        disk: nodeDisk,
        clock: context.clock,
        random: systemRandom,
        log,
        step: context.step,
        bootId: await context.bootId(),
      });
      output.io.stdout.write(
        `${JSON.stringify({ event: 'recording', vehicle: config.vehicle, lenses: Object.keys(config.lenses) })}\n`,
      );
      const manager = new ServiceManager({
        ...{ env: context.env, clock: context.clock, notify: systemdNotify(context.env) },
        onTrouble: (why) => log.error({ why }, 'systemd could not be told'),
      });
      await manager.ready(`lenses: ${Object.keys(config.lenses).join(', ')}`);
      // Ends with the shutdown, too.
      await manager.keepAlive(context.shutdown);
      await stopped(context.shutdown);
      log.info('agent stops');
      await manager.stopping();
    });
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
