import type { CliOutput } from '@gapless/shared/cli';
import { confirm } from '@gapless/shared/cli';
import { cancelled } from '@gapless/shared/errors';
import { MINUTE_MS } from '@gapless/shared/time';
import type { Command } from 'commander';
import type { RemoveReply } from '../control/index.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';
import { ControlClient } from './control-client.js';
import type { SelectionArguments } from './selection-options.js';
import { addSelection, selectionFields } from './selection-options.js';

interface RemoveArguments extends SelectionArguments {
  readonly config: string;
  readonly force?: true;
  readonly yes?: true;
}

/** A slow card takes its time with the files of a day. */
const TIMEOUT_MS = 10 * MINUTE_MS;

export function addRemoveCommand(program: Command, output: CliOutput, context: CliContext): void {
  addSelection(program.command('remove'))
    .description('remove footage from this vehicle; segments go as a whole')
    .option('--force', 'even what is protected or being sent')
    .option('--yes', 'do not ask')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .addHelpText(
      'after',
      '\nExits with 3 when it is protected, with 4 when there is no such lens or segment.',
    )
    .action(async (options: RemoveArguments) => {
      const { stateDir } = await configOf(context, options.config);
      const client = new ControlClient(stateDir, context.shutdown);
      const asked = { ...selectionFields(options), force: options.force === true };
      const remove = (dryRun: boolean): Promise<RemoveReply> =>
        client.send({
          ...{ method: 'POST', path: 'remove', body: { ...asked, dryRun } },
          timeoutMs: TIMEOUT_MS,
        });
      if (options.yes !== true) await requireConsent(await remove(true), output, context);
      const removed = await remove(false);
      output.print(removed, () => `Removed ${described(removed)}.`);
    });
}

/** @throws CONFIRMATION_NEEDED where nobody can be asked, CANCELLED when the answer is no */
async function requireConsent(planned: RemoveReply, output: CliOutput, context: CliContext): Promise<void> {
  if (planned.segments === 0) return;
  const question = `This removes ${described(planned)}. Go on?`;
  if (!(await confirm(question, { output, stdin: context.stdin, signal: context.shutdown })))
    throw cancelled('nothing was removed');
}

function described({ segments, bytes, unreceipted, ranges }: RemoveReply): string {
  if (segments === 0) return 'nothing: no segment lies there';
  const count = segments === 1 ? '1 segment' : `${segments} segments`;
  const extent = `${ranges[0]!.from} to ${ranges.at(-1)!.to}`;
  const lost = unreceipted === 0 ? 'central has all of it' : `central does not have ${unreceipted} of them`;
  return `${count} with ${(bytes / 1e6).toFixed(1)} MB, ${extent}; ${lost}`;
}
