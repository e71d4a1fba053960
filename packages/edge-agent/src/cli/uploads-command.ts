import type { CliOutput } from '@gapless/shared/cli';
import { AppError } from '@gapless/shared/errors';
import type { Command } from 'commander';
import type { UploadReply, UploadsReply } from '../control/index.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';
import { ControlClient } from './control-client.js';
import { followUpload } from './follow-upload.js';
import { uploadsText, uploadText } from './upload-text.js';

const VERBS = ['cancel', 'pause', 'resume'] as const;

type Verb = (typeof VERBS)[number];

interface UploadsArguments extends Readonly<Partial<Record<Verb, true>>> {
  readonly config: string;
  readonly wait?: true;
}

export function addUploadsCommand(program: Command, output: CliOutput, context: CliContext): void {
  program
    .command('uploads')
    .description('list uploads, show one, and wait for it, pause, resume or cancel it')
    .argument('[id]', 'the upload; without it the newest are listed')
    .option('--wait', 'show how it gets on until it has ended')
    .option('--cancel', 'end it; what has arrived in part stays on the server under its partial name')
    .option('--pause', 'stop it until it is resumed')
    .option('--resume', 'go on with it')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .action(async (id: string | undefined, options: UploadsArguments) => {
      const { stateDir } = await configOf(context, options.config);
      const client = new ControlClient(stateDir, context.shutdown);
      const verb = verbOf(options);
      if (id === undefined) {
        if (verb || options.wait)
          throw new AppError('ARGUMENT_INVALID', 'it is not said which upload is meant');
        const { uploads } = await client.get<UploadsReply>('uploads');
        if (uploads.length === 0) output.say('There are no uploads.');
        output.print(uploads, () => (uploads.length === 0 ? '' : uploadsText(uploads)));
        return;
      }
      const path = `uploads/${encodeURIComponent(id)}`;
      const upload = verb
        ? await client.send<UploadReply>({ method: 'POST', path: `${path}/${verb}` })
        : await client.get<UploadReply>(path);
      if (options.wait && upload.ended === undefined) await followUpload(client, upload, output, context);
      else output.print(upload, () => uploadText(upload, context.clock.nowMs()));
    });
}

function verbOf(options: UploadsArguments): Verb | undefined {
  const verbs = VERBS.filter((verb) => options[verb]);
  if (verbs.length > 1)
    throw new AppError('ARGUMENT_INVALID', `one thing at a time: --${verbs.join(', --')}`);
  return verbs[0];
}
