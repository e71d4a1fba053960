import type { CliOutput } from '@gapless/shared/cli';
import { nodeDisk } from '@gapless/shared/fs';
import { ServiceManager, systemdNotify, systemRandom } from '@gapless/shared/lifecycle';
import { toAppError } from '@gapless/shared/errors';
import type { Log } from '@gapless/shared/log';
import { createLeveledLog } from '@gapless/shared/log';
import type { Command } from 'commander';
import { Agent } from '../agent.js';
import type { EdgeConfig } from '../config.js';
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
      const readConfig = async (): Promise<EdgeConfig> => {
        const read = await configOf(context, options.config);
        await requireFfmpeg(read.ffmpeg);
        return read;
      };
      const config = await readConfig();
      const { log, setLevel: setLogLevel } = createLeveledLog('gapless-edge', config.log.level, {
        write: (line) => void output.io.stderr.write(line),
      });
      await using agent = await Agent.start({
        ...{ config, readConfig, setLogLevel },
        version,
        disk: nodeDisk,
        clock: context.clock,
        random: systemRandom,
        log,
        step: context.step,
        bootId: await context.bootId(),
      });
      output.io.stdout.write(
        `${JSON.stringify({
          ...{ event: 'recording', vehicle: config.vehicle, lenses: Object.keys(config.lenses) },
          ...(agent.metricsUrl === undefined ? {} : { metrics: agent.metricsUrl }),
        })}\n`,
      );
      const manager = new ServiceManager({
        ...{ env: context.env, clock: context.clock, notify: systemdNotify(context.env) },
        onTrouble: (why) => log.error({ why }, 'systemd could not be told'),
      });
      await manager.ready(lensesText(config));
      context.onHangup(() => void reload(agent, log));
      agent.onReloaded = (now) => void manager.status(lensesText(now));
      const end = AbortSignal.any([context.shutdown, agent.damaged]);
      // Ends with the shutdown, too.
      await manager.keepAlive(end);
      await stopped(end);
      log.info('agent stops');
      await manager.stopping();
      // Whoever supervises the agent starts it again, and that makes the index anew.
      agent.damaged.throwIfAborted();
    });
}

/** SIGHUP: nobody waits for an answer, so the log has it. */
async function reload(agent: Agent, log: Log): Promise<void> {
  try {
    await agent.reload();
  } catch (thrown) {
    log.error({ err: toAppError(thrown) }, 'configuration refused; the one before stays in force');
  }
}

function lensesText({ lenses }: EdgeConfig): string {
  return `lenses: ${Object.keys(lenses).join(', ')}`;
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
