import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { CliOutput } from '@gapless/shared/cli';
import { nodeDisk } from '@gapless/shared/fs';
import { ServiceManager, systemdNotify, systemRandom } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import type { Command } from 'commander';
import { Central } from '../central.js';
import { version } from '../version.js';
import type { CliContext, PlaceOptions } from './context.js';
import { addPlaceOptions, configOf } from './context.js';

export function addRunCommand(program: Command, output: CliOutput, context: CliContext): void {
  addPlaceOptions(program.command('run').description('run central in the foreground'))
    .option('--http <host:port>', 'where the API and the vehicles connect; port 0 takes any')
    .option('--sftp <host:port>', 'where the SFTP server listens; port 0 takes any')
    .action(async (options: PlaceOptions & { http?: string; sftp?: string }) => {
      const config = await configOf(context, options);
      const log = createLog('gapless-central', config.log.level, {
        write: (line) => void output.io.stderr.write(line),
      });
      await using central = await Central.start({
        config,
        version,
        disk: nodeDisk,
        clock: context.clock,
        random: systemRandom,
        log,
        step: context.step,
      });
      const listening = { event: 'listening', ...central.listening };
      // Commands on the same machine find the running central by this file.
      await writeFile(join(resolve(config.dataDir), 'listening.json'), `${JSON.stringify(listening)}\n`);
      output.io.stdout.write(`${JSON.stringify(listening)}\n`);
      log.info(listening, 'central is up');
      const manager = new ServiceManager({
        ...{ env: context.env, clock: context.clock, notify: systemdNotify(context.env) },
        onTrouble: (why) => log.error({ why }, 'systemd could not be told'),
      });
      await manager.ready(`listening on ${central.listening.http}`);
      // Ends with the shutdown, too.
      await manager.keepAlive(context.shutdown);
      await stopped(context.shutdown);
      log.info('central stops');
      await manager.stopping();
    });
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
