import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { CliOutput } from '@gapless/shared/cli';
import type { ErrorCode } from '@gapless/shared/errors';
import { AppError, errorCatalogue, toAppError } from '@gapless/shared/errors';
import { MINUTE_MS, SECOND_MS, sleep } from '@gapless/shared/time';
import type { UploadEventLine, UploadReply } from '../control/index.js';
import type { CliContext } from './context.js';
import type { ControlClient } from './control-client.js';
import { UploadProgress } from './upload-progress.js';
import { uploadText } from './upload-text.js';

/** An agent that is restarted is back by then. */
const AWAY_MS = 2 * MINUTE_MS;

type Followed = Pick<CliContext, 'clock' | 'shutdown'>;

/**
 * Shows how an upload gets on until it has ended, and how it ended.
 *
 * @throws what its items failed with, if all did
 */
export async function followUpload(
  client: ControlClient,
  upload: Pick<UploadReply, 'id'>,
  output: CliOutput,
  context: Followed,
): Promise<void> {
  try {
    await untilEnded(client, upload.id, output, context);
  } catch (thrown) {
    if (context.shutdown.aborted)
      output.say(
        `The agent goes on with it: gapless-edge uploads ${upload.id}. To end it: gapless-edge uploads --cancel ${upload.id}`,
      );
    throw thrown;
  }
  const ended = await client.get<UploadReply>(`uploads/${upload.id}`);
  output.print(ended, () => uploadText(ended, context.clock.nowMs()));
  conclude(ended, output);
}

async function untilEnded(
  client: ControlClient,
  id: string,
  output: CliOutput,
  { clock, shutdown }: Followed,
): Promise<void> {
  using progress = new UploadProgress(output);
  let awaySinceMs: number | undefined;
  for (;;) {
    try {
      const events = await client.open(`uploads/${id}/events`);
      awaySinceMs = undefined;
      if (await hasEnded(events, (event) => show(event, progress, output))) return;
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'AGENT_NOT_RUNNING') throw error;
      if (awaySinceMs !== undefined && clock.monotonicMs() - awaySinceMs > AWAY_MS) throw error;
    }
    // The agent has stopped, or is being restarted: then it goes on.
    if (awaySinceMs === undefined) output.say('The agent is away; waiting for it.');
    awaySinceMs ??= clock.monotonicMs();
    await sleep(clock, SECOND_MS, shutdown);
  }
}

function show(event: UploadEventLine, progress: UploadProgress, output: CliOutput): void {
  if (output.json) output.print(event, () => '');
  else progress.take(event);
}

/** Reads events to the end of the stream; whether the last one was that of the upload's end. */
async function hasEnded(events: IncomingMessage, take: (event: UploadEventLine) => void): Promise<boolean> {
  let ended = false;
  try {
    for await (const line of createInterface({ input: events })) {
      if (line === '') continue;
      const event = JSON.parse(line) as UploadEventLine;
      take(event);
      ended ||= event.event === 'upload' && event.ended !== undefined;
    }
  } catch (thrown) {
    throw new AppError('AGENT_NOT_RUNNING', 'the agent broke off', { cause: thrown });
  }
  return ended;
}

function conclude({ state, items }: UploadReply, output: CliOutput): void {
  if (state === 'done') return;
  if (items.some((item) => item.state === 'verified')) {
    output.partlyDone();
    return;
  }
  const reason = items.find((item) => item.state === 'failed')?.reason;
  if (!reason) throw new AppError('CANCELLED', 'the upload was cancelled');
  const { code, message, hint } = reason;
  const known = code in errorCatalogue ? (code as ErrorCode) : 'INTERNAL';
  throw new AppError(known, message, hint === undefined ? {} : { hint });
}
