import type { CliOutput } from '@gapless/shared/cli';
import { sleep, systemClock } from '@gapless/shared/time';
import type { Command } from 'commander';
import { ApiClient } from './api-client.js';
import type { CliContext, PlaceOptions } from './context.js';
import { addPlaceOptions } from './context.js';

interface CompletionAnswer {
  readonly id: string;
  readonly lens: string;
  readonly mode: string;
  readonly state: string;
  readonly reason?: string;
  readonly ranges: readonly { readonly from: string; readonly to: string }[];
  readonly missingMs: number;
  readonly finished?: string;
  readonly transfers: readonly { readonly totalBytes: number; readonly ackedBytes: number }[];
}

const POLL_MS = 500;

export function addCompletionCommands(program: Command, output: CliOutput, context: CliContext): void {
  addPlaceOptions(
    program.command('complete').description('ask a vehicle for what is missing').argument('<vehicle/lens>'),
  )
    .requiredOption('--from <time>', 'start: RFC 3339, epoch, 14:22:07 or -45m')
    .requiredOption('--to <time>', 'end, exclusive')
    .option('--wait', 'wait until it has ended')
    .action(async (lens: string, options: PlaceOptions & { from: string; to: string; wait?: boolean }) => {
      const client = await ApiClient.find(context, options);
      let request = await client.post<CompletionAnswer>('/api/v1/completions', {
        lens,
        ranges: [{ from: options.from, to: options.to }],
      });
      if (options.wait) request = await wait(client, request, output, context);
      output.print(request, () => sentence(request));
      if (options.wait && request.state !== 'done') output.partlyDone();
    });

  addPlaceOptions(program.command('requests').description('list the newest requests')).action(
    async (options: PlaceOptions) => {
      const client = await ApiClient.find(context, options);
      const { items } = await client.get<{ items: CompletionAnswer[] }>('/api/v1/completions');
      output.table(
        [
          { title: 'ID', value: (one) => one.id },
          { title: 'LENS', value: (one) => one.lens },
          { title: 'MODE', value: (one) => one.mode },
          { title: 'STATE', value: (one) => one.state },
          { title: 'WHY', value: (one) => one.reason ?? '' },
          { title: 'MISSING', value: (one) => `${(one.missingMs / 1000).toFixed(1)} s`, align: 'right' },
        ],
        items,
        'Nothing has been asked for yet.',
      );
    },
  );
}

async function wait(
  client: ApiClient,
  request: CompletionAnswer,
  output: CliOutput,
  context: CliContext,
): Promise<CompletionAnswer> {
  using progress = output.progress(request.lens);
  let current = request;
  while (current.finished === undefined) {
    await sleep(systemClock, POLL_MS, context.shutdown);
    current = await client.get<CompletionAnswer>(`/api/v1/completions/${request.id}`);
    const total = current.transfers.reduce((sum, one) => sum + one.totalBytes, 0);
    const done = current.transfers.reduce((sum, one) => sum + one.ackedBytes, 0);
    progress.update({ done, ...(total > 0 ? { total } : {}), note: current.reason ?? current.state });
  }
  return current;
}

function sentence(request: CompletionAnswer): string {
  const missing = (request.missingMs / 1000).toFixed(1);
  if (request.state === 'done') return `Complete: nothing of ${request.lens} is missing there any more.`;
  const why = request.reason === undefined ? '' : ` (${request.reason})`;
  if (request.finished !== undefined)
    return `${request.state}${why}: ${missing} s of ${request.lens} are still missing.`;
  return `Request ${request.id}: ${request.state}${why}, ${missing} s of ${request.lens} are missing.`;
}
