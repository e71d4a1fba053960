import type { CliIo, CliOutput } from '@gapless/shared/cli';
import { mayRewrite, printable } from '@gapless/shared/cli';
import { SECOND_MS, sleep } from '@gapless/shared/time';
import type { Command } from 'commander';
import type { StatusReply } from '../control/index.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';
import { ControlClient } from './control-client.js';
import { statusText } from './status-text.js';

const REDRAW_MS = SECOND_MS;
const TO_THE_TOP = '\u001b[H';
const CLEAR_SCREEN = '\u001b[2J';
const CLEAR_REST_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export function addStatusCommand(program: Command, output: CliOutput, context: CliContext): void {
  program
    .command('status')
    .description('show what the agent on this box is doing: lenses, disk, link, transfers')
    .option('--watch', 'show it again every second until you press Ctrl-C')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .action(async (options: { config: string; watch?: true }) => {
      const { stateDir } = await configOf(context, options.config);
      const client = new ControlClient(stateDir, context.shutdown);
      const ask = (): Promise<StatusReply> => client.get<StatusReply>('status');
      if (options.watch === true) await watch(ask, output, context.shutdown);
      else show(await ask(), output);
    });
}

/** Redraws on a terminal; for a pipe or a program, one status a second. */
async function watch(ask: () => Promise<StatusReply>, output: CliOutput, signal: AbortSignal): Promise<void> {
  const { io, json } = output;
  const redraws = !json && mayRewrite(io);
  if (redraws) io.stdout.write(CLEAR_SCREEN);
  while (!signal.aborted) {
    try {
      const status = await ask();
      if (redraws) io.stdout.write(screenOf(status, io));
      else show(status, output);
      await sleep(io.clock, REDRAW_MS, signal);
    } catch (thrown) {
      // Ctrl-C is how one leaves.
      if (!hasLeft(signal)) throw thrown;
    }
  }
}

/** Asked anew: a signal may have aborted since the last look at it. */
function hasLeft(signal: AbortSignal): boolean {
  return signal.aborted;
}

function show(status: StatusReply, output: CliOutput): void {
  output.print(status, () => statusText(status).split('\n').map(printable).join('\n'));
}

/** Drawn over what was there, so that nothing flickers. */
function screenOf(status: StatusReply, { columns, rows }: CliIo): string {
  const lines = statusText(status).split('\n');
  // What scrolls cannot be drawn over; the cursor stands in the last line.
  const most = rows - 1;
  const shown =
    lines.length <= most
      ? lines
      : [...lines.slice(0, most - 1), `… ${lines.length - most + 1} more lines in a larger window`];
  // A line that wraps would move those below it.
  const drawn = shown.map(
    (line) =>
      Array.from(printable(line))
        .slice(0, columns - 1)
        .join('') + CLEAR_REST_OF_LINE,
  );
  return `${TO_THE_TOP}${drawn.join('\n')}\n${CLEAR_BELOW}`;
}
