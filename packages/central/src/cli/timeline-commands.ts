import type { CliOutput, Column } from '@gapless/shared/cli';
import { parseLensPath } from '@gapless/shared/ids';
import { formatDuration } from '@gapless/shared/time';
import type { Command } from 'commander';
import { ApiClient } from './api-client.js';
import type { CliContext, PlaceOptions } from './context.js';
import { addPlaceOptions } from './context.js';

interface RunAnswer {
  readonly from: string;
  readonly to: string;
  readonly state: string;
  readonly reason?: string;
  readonly source?: string;
}

interface WindowOptions extends PlaceOptions {
  readonly from?: string;
  readonly to?: string;
}

export function addTimelineCommands(program: Command, output: CliOutput, context: CliContext): void {
  addWindowOptions(
    program.command('timeline').description('show the states of a lens').argument('<vehicle/lens>'),
  ).action(async (path: string, options: WindowOptions) => {
    const { vehicle, lens } = parseLensPath(path);
    const client = await ApiClient.find(context, options);
    const answer = await client.get<{ runs: RunAnswer[] }>(`/api/v1/lenses/${vehicle}/${lens}/timeline`, {
      from: options.from,
      to: options.to,
    });
    output.print(answer, () => '');
    if (!output.json) output.table(columns(), answer.runs, 'Nothing is known of that window.');
  });

  addWindowOptions(
    program
      .command('gaps')
      .description('show what is missing, of one lens or of the fleet')
      .argument('[vehicle/lens]'),
  )
    .option('--state <state>', 'only gaps in this state')
    .action(async (path: string | undefined, options: WindowOptions & { state?: string }) => {
      const client = await ApiClient.find(context, options);
      const query = { from: options.from, to: options.to, state: options.state };
      const { items } = await client.get<{ items: (RunAnswer & { lens: string })[] }>(
        path === undefined ? '/api/v1/gaps' : gapsPath(path),
        query,
      );
      output.table(
        [{ title: 'LENS', value: (gap) => gap.lens }, ...columns<RunAnswer & { lens: string }>()],
        items,
        'Nothing is missing.',
      );
    });
}

function addWindowOptions(command: Command): Command {
  return addPlaceOptions(command)
    .option('--from <time>', 'start: RFC 3339, epoch, 14:22:07 or -45m')
    .option('--to <time>', 'end, exclusive; by default now');
}

function gapsPath(path: string): string {
  const { vehicle, lens } = parseLensPath(path);
  return `/api/v1/lenses/${vehicle}/${lens}/gaps`;
}

function columns<Row extends RunAnswer>(): Column<Row>[] {
  return [
    { title: 'FROM', value: (run) => run.from },
    { title: 'TO', value: (run) => run.to },
    {
      title: 'LENGTH',
      value: (run) => formatDuration(Date.parse(run.to) - Date.parse(run.from)),
      align: 'right',
    },
    { title: 'STATE', value: (run) => run.state },
    { title: 'WHY', value: (run) => run.reason ?? run.source ?? '' },
  ];
}
