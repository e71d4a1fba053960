import type { CliOutput } from '@gapless/shared/cli';
import { formatTable } from '@gapless/shared/cli';
import { formatDuration } from '@gapless/shared/time';
import type { Command } from 'commander';
import type { SegmentsReply } from '../control/index.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';
import { ControlClient } from './control-client.js';

interface SegmentsArguments {
  readonly config: string;
  readonly lens: string;
  readonly from: string;
  readonly to: string;
}

type Listing = Pick<SegmentsReply, 'segments' | 'coverage' | 'gaps'>;

export function addSegmentsCommand(program: Command, output: CliOutput, context: CliContext): void {
  program
    .command('segments')
    .description('list what this vehicle holds of a lens, and why it does not hold the rest')
    .requiredOption('--lens <lens>', 'name of the lens')
    .option('--from <time>', 'start: RFC 3339, epoch, 14:22:07 (UTC) or -45m', '-1h')
    .option('--to <time>', 'end, exclusive', 'now')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .action(async (options: SegmentsArguments) => {
      const { stateDir } = await configOf(context, options.config);
      const listing = await allPages(new ControlClient(stateDir, context.shutdown), options);
      output.print({ lens: options.lens, ...listing }, () => text(listing));
    });
}

async function allPages(client: ControlClient, { lens, from, to }: SegmentsArguments): Promise<Listing> {
  const listing = {
    segments: [] as SegmentsReply['segments'],
    coverage: [] as SegmentsReply['coverage'],
    gaps: [] as SegmentsReply['gaps'],
  };
  let cursor: string | undefined;
  do {
    const page: SegmentsReply = await client.get('segments', { lens, from, to, cursor });
    listing.segments.push(...page.segments);
    appendAll(listing.coverage, page.coverage, () => true);
    appendAll(listing.gaps, page.gaps, (a, b) => a.reason === b.reason);
    cursor = page.next;
  } while (cursor !== undefined);
  return listing;
}

/** Adds stretches of a page; what a page's end has cut is one again. */
function appendAll<Stretch extends { from: string; to: string }>(
  all: Stretch[],
  more: readonly Stretch[],
  alike: (a: Stretch, b: Stretch) => boolean,
): void {
  for (const next of more) {
    const last = all.at(-1);
    if (last?.to === next.from && alike(last, next)) last.to = next.to;
    else all.push({ ...next });
  }
}

function text({ segments, coverage, gaps }: Listing): string {
  const held = formatTable(
    [
      { title: 'FROM', value: (one) => one.from },
      { title: 'TO', value: (one) => one.to },
      { title: 'LENGTH', value: lengthOf, align: 'right' },
      { title: 'MB', value: (one) => (one.bytes / 1e6).toFixed(1), align: 'right' },
      { title: 'AT CENTRAL', value: atCentral },
      { title: 'PROTECTED BY', value: (one) => one.protectedBy.join(', ') },
      { title: 'SEGMENT', value: (one) => one.id },
    ],
    segments,
  );
  const missing = formatTable(
    [
      { title: 'FROM', value: (one) => one.from },
      { title: 'TO', value: (one) => one.to },
      { title: 'LENGTH', value: lengthOf, align: 'right' },
      { title: 'NOT HERE BECAUSE', value: (one) => one.reason },
    ],
    gaps,
  );
  const coveredMs = coverage.reduce((sum, { from, to }) => sum + Date.parse(to) - Date.parse(from), 0);
  return [
    ...(segments.length > 0 ? [held] : []),
    ...(gaps.length > 0 ? [missing] : []),
    `${segments.length} ${segments.length === 1 ? 'segment' : 'segments'} with ${formatDuration(coveredMs)} of footage.`,
  ].join('\n');
}

function lengthOf({ from, to }: { readonly from: string; readonly to: string }): string {
  return formatDuration(Date.parse(to) - Date.parse(from));
}

function atCentral({ state, receipted }: SegmentsReply['segments'][number]): string {
  if (state === 'open') return 'being recorded';
  return receipted === true ? 'yes' : 'no';
}
