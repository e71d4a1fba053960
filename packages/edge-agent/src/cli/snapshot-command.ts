import type { CliOutput } from '@gapless/shared/cli';
import { nodeDisk } from '@gapless/shared/fs';
import type { Command } from 'commander';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';
import { ControlClient } from './control-client.js';
import { requireFree, wholeReply } from './reply-file.js';
import { writeStream } from './write-stream.js';

interface SnapshotArguments {
  readonly config: string;
  readonly lens: string;
  readonly at?: string;
  readonly nearest?: true;
  readonly width?: string;
  readonly quality?: string;
  readonly output: string;
  readonly force?: true;
}

export function addSnapshotCommand(program: Command, output: CliOutput, context: CliContext): void {
  program
    .command('snapshot')
    .description('save a picture of what a lens saw')
    .requiredOption('--lens <lens>', 'name of the lens')
    .option('--at <time>', 'when: RFC 3339, epoch, 14:22:07 (UTC) or -45m; by default the newest picture')
    .option('--nearest', 'the keyframe nearest to that time, and not the one at or before it')
    .option('--width <pixels>', 'make it narrower')
    .option('--quality <percent>', 'of the JPEG, 1 to 100')
    .requiredOption('-o, --output <file>', 'the file to write; - for standard output')
    .option('--force', 'replace a file that is there already')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .addHelpText('after', '\nExits with 4 when there is no picture within a minute of that time.')
    .action(async (options: SnapshotArguments) => {
      const { stateDir } = await configOf(context, options.config);
      if (options.force !== true) await requireFree(options.output);
      const { lens, at, width, quality } = options;
      const pick = options.nearest ? 'nearest' : 'before';
      const client = new ControlClient(stateDir, context.shutdown);
      const reply = await client.open('snapshot.jpg', { lens, at, pick, width, quality });
      const header = (name: string): string => String(reply.headers[`gapless-${name}`] ?? '');
      const destination = { path: options.output, disk: nodeDisk, stdout: context.stdout };
      const written = await writeStream(wholeReply(reply), destination, () => undefined);
      const made = {
        at: header('at'),
        width: Number(header('width')),
        height: Number(header('height')),
        segment: header('segment'),
        ...written,
      };
      const text = `${options.output === '-' ? 'The picture' : options.output} shows ${lens} at ${made.at}, ${made.width} × ${made.height}.`;
      // Standard output is the picture's own then.
      if (options.output === '-') output.say(text);
      else output.print({ file: options.output, ...made }, () => text);
    });
}
