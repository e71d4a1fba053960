import type { CliOutput } from '@gapless/shared/cli';
import { formatTable } from '@gapless/shared/cli';
import { AppError } from '@gapless/shared/errors';
import { parseSpan } from '@gapless/shared/time';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { ProtectionsReply } from '../control/index.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';
import { ControlClient } from './control-client.js';
import { loginName } from './login-name.js';
import type { SelectionArguments } from './selection-options.js';
import { addSelection, selectionFields } from './selection-options.js';

interface Place {
  readonly config: string;
}

interface Held extends Place, SelectionArguments {
  readonly holder?: string;
}

interface ProtectArguments extends Held {
  readonly reason: string;
  readonly expires?: string;
  readonly for?: string;
}

const HOLDER = 'who protects it: a person, a case, a system; by default you';

/** Pins against eviction: made, taken back, listed. */
export function addProtectionCommands(program: Command, output: CliOutput, context: CliContext): void {
  const clientOf = async ({ config }: Place): Promise<ControlClient> =>
    new ControlClient((await configOf(context, config)).stateDir, context.shutdown);

  addSelection(program.command('protect'))
    .description('keep footage from being evicted')
    .requiredOption('--reason <text>', 'why, for people')
    .option('--holder <name>', HOLDER)
    .option('--for <span>', 'until so long from now, such as 30d; by default until it is taken back')
    .addOption(new Option('--expires <time>', 'until a time').conflicts('for'))
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .action(async (options: ProtectArguments) => {
      const holder = options.holder ?? loginName(context.env);
      const expires = expiryOf(options);
      const body = {
        ...selectionFields(options),
        ...{ holder, reason: options.reason },
        ...(expires === undefined ? {} : { expires }),
      };
      const client = await clientOf(options);
      show(await client.send<ProtectionsReply>({ method: 'POST', path: 'protections', body }), output);
    });

  addSelection(program.command('unprotect'))
    .description('take back what a holder protects; what others protect stays')
    .option('--holder <name>', HOLDER)
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .action(async (options: Held) => {
      const query = { ...selectionFields(options), holder: options.holder ?? loginName(context.env) };
      const client = await clientOf(options);
      show(await client.send<ProtectionsReply>({ method: 'DELETE', path: 'protections', query }), output);
    });

  program
    .command('protections')
    .description('list which footage is protected, and by whom')
    .option('--lens <lens>', 'of one lens alone')
    .option('--from <time>', 'what overlaps a range: its start')
    .option('--to <time>', 'end, exclusive')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .action(async (options: Place & Omit<SelectionArguments, 'segment'>) => {
      const client = await clientOf(options);
      show(await client.get<ProtectionsReply>('protections', { ...selectionFields(options) }), output);
    });
}

/** When a protection ends, as the agent takes it; undefined if it does not. */
function expiryOf(options: ProtectArguments): string | undefined {
  if (options.for === undefined) return options.expires;
  if (parseSpan(options.for) !== undefined) return `+${options.for}`;
  throw new AppError('ARGUMENT_INVALID', `--for: not a length of time: ${options.for}`, {
    hint: 'Write it as 12h or 30d.',
  });
}

function show(reply: ProtectionsReply, output: CliOutput): void {
  output.print(reply, () => text(reply));
  const { state } = reply.share;
  if (state === 'near')
    output.say('warning: most of what may be protected is protected; take back what is not needed any more');
  if (state === 'full')
    output.say(
      'warning: all that may be protected is protected; nothing more can be before some is taken back',
    );
}

function text({ protections, share }: ProtectionsReply): string {
  const table = formatTable(
    [
      { title: 'LENS', value: (one) => one.lens },
      { title: 'FROM', value: (one) => one.from },
      { title: 'TO', value: (one) => one.to },
      { title: 'HOLDER', value: (one) => one.holder },
      { title: 'UNTIL', value: (one) => one.expires ?? 'taken back' },
      { title: 'REASON', value: (one) => one.reason },
    ],
    protections,
  );
  const count = protections.length === 1 ? '1 protection' : `${protections.length} protections`;
  const sum = `${count}. In all ${megabytes(share.protectedBytes)} of at most ${megabytes(share.maxBytes)} are protected.`;
  return protections.length === 0 ? sum : `${table}\n${sum}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
