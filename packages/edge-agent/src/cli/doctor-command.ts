import { existsSync } from 'node:fs';
import type { CliOutput } from '@gapless/shared/cli';
import { exitCodes } from '@gapless/shared/cli';
import { AppError } from '@gapless/shared/errors';
import { nodeDisk } from '@gapless/shared/fs';
import { quote } from '@gapless/shared/ids';
import { systemRandom } from '@gapless/shared/lifecycle';
import { tryLock } from '@gapless/shared/sqlite';
import type { Command } from 'commander';
import { agentLockPath } from '../agent-lock.js';
import type { Finding } from '../doctor/index.js';
import { askProgram, examine } from '../doctor/index.js';
import { startFfmpeg } from '../record/index.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';

interface DoctorArguments {
  readonly config: string;
  readonly sftp?: string;
}

export function addDoctorCommand(program: Command, output: CliOutput, context: CliContext): void {
  program
    .command('doctor')
    .description('look at all that the agent needs, and say what to do; the agent may run meanwhile')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .option('--sftp <host:port>', 'where the SFTP server of central listens, if not on its usual port')
    .addHelpText('after', '\nExits with 0 when nothing failed, with 1 otherwise.')
    .action(async (options: DoctorArguments) => {
      const config = await configOf(context, options.config);
      const findings: Finding[] = [];
      const port = {
        ...{ config, disk: nodeDisk, clock: context.clock, random: systemRandom },
        ...{ ask: askProgram, start: startFfmpeg },
        isAgentRunning: isAgentRunning(config.stateDir),
        sftp: options.sftp === undefined ? undefined : addressOf(options.sftp),
      };
      {
        using progress = output.progress('examining');
        await examine(
          port,
          (finding) => {
            findings.push(finding);
            progress.update({ done: findings.length, note: finding.lens ?? finding.area });
          },
          context.shutdown,
        );
      }
      const isSound = !findings.some(({ verdict }) => verdict === 'failed');
      output.print({ ok: isSound, findings }, () => findings.map(findingText).join('\n'));
      if (!isSound) output.io.setExitCode(exitCodes.failed);
    });
}

/** An agent that can be locked out does not run. Where there never was one, no lock is made. */
function isAgentRunning(stateDir: string): boolean {
  const path = agentLockPath(stateDir);
  if (!existsSync(path)) return false;
  using lock = tryLock(path, 0);
  return lock === undefined;
}

/** @throws ARGUMENT_INVALID */
function addressOf(text: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw new AppError('ARGUMENT_INVALID', `no address: ${quote(text)}`, {
    hint: 'Write it as HOST:PORT, such as central.example:2022.',
  });
}

const MARKS = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' } as const;

function findingText({ verdict, area, lens, detail, remedy }: Finding): string {
  const what = lens === undefined ? area : `${area} ${lens}`;
  const line = `${MARKS[verdict]}  ${what}: ${detail}`;
  return remedy === undefined ? line : `${line}\n           ${remedy}`;
}
