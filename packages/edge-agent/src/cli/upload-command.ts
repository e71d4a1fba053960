import { resolve } from 'node:path';
import type { CliOutput } from '@gapless/shared/cli';
import { likelyBitrate, parseBitrate } from '@gapless/shared/config';
import { AppError } from '@gapless/shared/errors';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { UploadReply } from '../control/index.js';
import type { CliContext } from './context.js';
import { configOf, DEFAULT_CONFIG } from './context.js';
import { ControlClient } from './control-client.js';
import { followUpload } from './follow-upload.js';
import { uploadText } from './upload-text.js';

interface UploadArguments {
  readonly config: string;
  readonly to: readonly string[];
  readonly lens?: string;
  readonly from?: string;
  readonly mode: string;
  readonly segment: readonly string[];
  readonly hostKey: readonly string[];
  readonly identity?: string;
  readonly passwordFile?: string;
  readonly overwrite: string;
  readonly concurrency: string;
  readonly rate?: string;
  readonly token: readonly string[];
  readonly reduce: boolean;
  readonly wait: boolean;
}

const collect = (value: string, former: readonly string[]): readonly string[] => [...former, value];

export function addUploadCommand(program: Command, output: CliOutput, context: CliContext): void {
  program
    .command('upload')
    .description('upload files, segments or a stretch of a lens to any SFTP server')
    .argument('[files...]', 'files in the recordings or in "upload.roots" of the configuration')
    .option(
      '--to <address>',
      'sftp://user@host:port/path/{name}; a second --to is the end of --from',
      collect,
      [],
    )
    .option('--lens <lens>', 'a stretch of this lens, as one MP4')
    .option(
      '--from <time>',
      'its start: RFC 3339, epoch, 14:22:07 (UTC) or -45m; its end is --to TIME, or now',
    )
    .addOption(
      new Option('--mode <mode>', 'show exactly the stretch, or widen it to keyframes')
        .choices(['exact', 'keyframe'])
        .default('exact'),
    )
    .option('--segment <id>', 'a segment, as "segments" lists it; may be repeated', collect, [])
    .option(
      '--host-key <key>',
      'what the server must show: SHA256:…, its key, or a line of known_hosts; may be repeated',
      collect,
      [],
    )
    .option('--identity <file>', 'log in with the private key in this file (mode 0600, the agent’s own)')
    .option('--password-file <file>', 'log in with the password in this file (mode 0600, the agent’s own)')
    .addOption(
      new Option('--overwrite <when>', 'replace what has the name on the server')
        .choices(['never', 'if-different', 'always'])
        .default('never'),
    )
    .option('--concurrency <n>', 'how many at a time, up to 32', '4')
    .option('--rate <rate>', 'upper limit, such as 2Mbit/s')
    .option('--token <name=value>', 'fills {name} in the path; may be repeated', collect, [])
    .option('--no-reduce', 'leave the padding in MP4 files')
    .option('--no-wait', 'do not wait for the end; see gapless-edge uploads')
    .option('--config <file>', 'configuration file (YAML)', DEFAULT_CONFIG)
    .addHelpText(
      'after',
      '\nThe agent goes on with it when the command is stopped, and after a restart. Exits with 5 when only some arrived.',
    )
    .action(async (files: readonly string[], options: UploadArguments) => {
      const { stateDir } = await configOf(context, options.config);
      const client = new ControlClient(stateDir, context.shutdown);
      const body = bodyOf(files, options);
      const accepted = await client.send<UploadReply>({ method: 'POST', path: 'uploads', body });
      if (options.wait) await followUpload(client, accepted, output, context);
      else output.print(accepted, () => uploadText(accepted, context.clock.nowMs()));
    });
}

function bodyOf(files: readonly string[], options: UploadArguments): object {
  const { lens, from, mode, segment, hostKey, identity, passwordFile, overwrite, rate } = options;
  const { address, end } = placesOf(options);
  if (lens === undefined && (from !== undefined || end !== undefined))
    throw new AppError('ARGUMENT_INVALID', '--from and a second --to are those of --lens, which is missing');
  if (lens !== undefined && from === undefined) throw new AppError('ARGUMENT_INVALID', '--lens needs --from');
  const clips = lens === undefined ? [] : [{ lens, from, to: end, mode }];
  return {
    sources: [
      ...files.map((file) => ({ file: resolve(file) })),
      ...segment.map((id) => ({ segment: id })),
      ...clips,
    ],
    destination: address,
    hostKeys: hostKey,
    identityFile: identity === undefined ? undefined : resolve(identity),
    passwordFile: passwordFile === undefined ? undefined : resolve(passwordFile),
    overwrite,
    concurrency: Number(options.concurrency),
    rateBytesPerSec: rate === undefined ? undefined : rateOf(rate),
    reduce: options.reduce,
    tokens: Object.fromEntries(options.token.map(tokenOf)),
  };
}

/** `--to` is where to, as everywhere else it is until when: an address and a time cannot be mixed up. */
function placesOf({ to }: UploadArguments): { readonly address: string; readonly end: string | undefined } {
  const addresses = to.filter((value) => /^[a-z]+:\/\//i.test(value));
  const times = to.filter((value) => !addresses.includes(value));
  const [address] = addresses;
  if (address === undefined)
    throw new AppError('ARGUMENT_INVALID', 'it is not said where to upload to', {
      hint: 'Name the address: --to sftp://user@host/path/{name}',
    });
  if (addresses.length > 1 || times.length > 1)
    throw new AppError(
      'ARGUMENT_INVALID',
      '--to is given too often: it takes one address, and with --lens one time',
    );
  return { address, end: times[0] };
}

function rateOf(text: string): number {
  const rate = parseBitrate(text);
  if (rate !== undefined) return rate;
  const likely = likelyBitrate(text);
  throw new AppError('ARGUMENT_INVALID', `--rate: not a rate: ${text}`, {
    hint: likely === undefined ? 'Write it as 800kbit/s, 2Mbit/s or 1.5MB/s.' : `Did you mean ${likely}?`,
  });
}

function tokenOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new AppError('ARGUMENT_INVALID', `--token: not NAME=VALUE: ${text}`);
}
