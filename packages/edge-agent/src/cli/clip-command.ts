import type { IncomingMessage } from 'node:http';
import type { CliOutput } from '@gapless/shared/cli';
import { AppError } from '@gapless/shared/errors';
import { nodeDisk } from '@gapless/shared/fs';
import { formatDuration, parseSpan } from '@gapless/shared/time';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';
import { ControlClient } from './control-client.js';
import { requireFree, wholeReply } from './reply-file.js';
import type { Written } from './write-stream.js';
import { writeStream } from './write-stream.js';

interface ClipArguments {
  readonly config: string;
  readonly lens?: string;
  readonly from?: string;
  readonly to?: string;
  readonly segment?: string;
  readonly start?: string;
  readonly end?: string;
  readonly mode: string;
  readonly output: string;
  readonly force?: true;
}

interface Gap {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** What a clip turned out to be. */
interface Made extends Written {
  readonly from: string;
  readonly to: string;
  readonly coveredMs: number;
  readonly gapCount: number;
  /** The first of them. */
  readonly gaps: readonly Gap[];
}

export function addClipCommand(program: Command, output: CliOutput, context: CliContext): void {
  program
    .command('clip')
    .description('make an MP4 of a stretch of a lens; nothing is encoded anew')
    .option('--lens <lens>', 'name of the lens')
    .option('--from <time>', 'start: RFC 3339, epoch, 14:22:07 (UTC) or -45m')
    .option('--to <time>', 'end, exclusive; by default now')
    .option('--segment <id>', 'in place of --lens: a segment, as "segments" lists it')
    .option('--start <span>', 'of a segment: from so far behind its start, such as 2.5s')
    .option('--end <span>', 'of a segment: until so far behind its start; by default its end')
    .addOption(
      new Option('--mode <mode>', 'show exactly the stretch, or widen it to keyframes')
        .choices(['exact', 'keyframe'])
        .default('exact'),
    )
    .requiredOption('-o, --output <file>', 'the file to write; - for standard output')
    .option('--force', 'replace a file that is there already')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .addHelpText('after', '\nExits with 5 when only a part of the stretch is there, with 4 when nothing is.')
    .action(async (options: ClipArguments) => {
      const made = await makeClip(options, output, context);
      if (made.gapCount > 0) output.partlyDone();
      // Standard output is the clip's own then.
      if (options.output === '-') output.say(text(made, options.output));
      else output.print({ file: options.output, ...made }, () => text(made, options.output));
    });
}

async function makeClip(options: ClipArguments, output: CliOutput, context: CliContext): Promise<Made> {
  const { stateDir } = await configOf(context, options.config);
  if (options.force !== true) await requireFree(options.output);
  const { lens, from, to, segment, mode } = options;
  const start = spanOf('--start', options.start);
  const end = spanOf('--end', options.end);
  const client = new ControlClient(stateDir, context.shutdown);
  const reply = await client.open('clip.mp4', { lens, from, to, segment, start, end, mode });
  const total = Number(reply.headers['content-length']);
  using progress = output.progress(options.output === '-' ? 'clip' : options.output);
  const destination = { path: options.output, disk: nodeDisk, stdout: context.stdout };
  const written = await writeStream(wholeReply(reply), destination, (done) =>
    progress.update({ done, total, note: `${megabytes(done)} of ${megabytes(total)}` }),
  );
  return { ...described(reply), ...written };
}

function described({ headers }: IncomingMessage): Omit<Made, keyof Written> {
  const text = (name: string): string => String(headers[`gapless-${name}`] ?? '');
  return {
    from: text('from'),
    to: text('to'),
    coveredMs: Number(text('covered-ms')),
    gapCount: Number(text('gap-count')),
    gaps: [...text('gaps').matchAll(/([^/, ]+)\/([^;]+);reason=([\w-]+)/g)].map(([, from, to, reason]) => ({
      from: from!,
      to: to!,
      reason: reason!,
    })),
  };
}

function text({ from, to, coveredMs, gapCount, gaps, bytes }: Made, path: string): string {
  const shown = gaps.map((gap) => `  missing ${gap.from} to ${gap.to}: ${gap.reason}`);
  const more = gapCount - gaps.length;
  return [
    `${path === '-' ? 'The clip' : path} shows ${from} to ${to}: ${formatDuration(coveredMs)} of footage, ${megabytes(bytes)}.`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more gaps`] : []),
  ].join('\n');
}

function spanOf(option: string, typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined;
  const spanMs = parseSpan(typed);
  if (spanMs !== undefined) return spanMs;
  throw new AppError('ARGUMENT_INVALID', `${option}: not a length of time: ${typed}`, {
    hint: 'Write it as 500ms, 2.5s or 1m30s.',
  });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
