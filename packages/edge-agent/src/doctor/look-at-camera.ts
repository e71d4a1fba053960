import { isCancelled, toAppError } from '@gapless/shared/errors';
import type { Clock, DurationMs } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import type { RecorderInput, SoundTreatment, StartProcess } from '../record/index.js';
import { firstTreatment, readComplaint, recorderCommand } from '../record/index.js';
import type { SoundFate } from './camera-policy.js';
import { judgePicture, judgeSilence } from './camera-policy.js';
import type { Diagnosis } from './finding.js';
import type { Picture } from './picture-watch.js';
import { PictureWatch } from './picture-watch.js';

export interface CameraPort {
  readonly ffmpeg: string;
  readonly start: StartProcess;
  readonly clock: Clock;
  /** Wanted length of a segment. */
  readonly segmentMs: DurationMs;
}

/** How much video is watched at most: a camera with a keyframe every ten seconds shows two. */
const WATCH_MS = 12 * SECOND_MS;

/** A camera may take its time to answer, but no longer than this for all that is wanted of it. */
const TIMEOUT_MS = WATCH_MS + 20 * SECOND_MS;

/** `carry`, `unwrap`, `convert`: ffmpeg’s complaint about one leads to the next. */
const MAX_TRIES = 3;

/** Opens a camera exactly as the recorder does, looks for some seconds at what it sends, and keeps nothing of it. */
export async function lookAtCamera(
  input: RecorderInput,
  port: CameraPort,
  signal: AbortSignal,
): Promise<Diagnosis> {
  let sound = firstTreatment(input.url);
  for (let tries = 1; ; tries++) {
    const { picture, detail, wantedSound } = await watch(input, sound, { port, signal });
    signal.throwIfAborted();
    if (picture) return judgePicture(picture, fateOf(input, sound), port.segmentMs);
    if (wantedSound === undefined || wantedSound === sound || tries === MAX_TRIES)
      return judgeSilence(detail);
    sound = wantedSound;
  }
}

interface Watched {
  readonly picture: Picture | undefined;
  /** Why there is none, as one sentence. */
  readonly detail: string;
  readonly wantedSound: SoundTreatment | undefined;
}

async function watch(
  input: RecorderInput,
  sound: SoundTreatment,
  { port: { ffmpeg, start, clock }, signal }: { readonly port: CameraPort; readonly signal: AbortSignal },
): Promise<Watched> {
  const child = start(ffmpeg, recorderCommand(input, sound), clock);
  const patience = { isOver: false };
  const timer = clock.schedule(TIMEOUT_MS, () => {
    patience.isOver = true;
    child.kill();
  });
  const onAbort = (): void => child.kill();
  signal.addEventListener('abort', onAbort, { once: true });
  const watching = new PictureWatch(WATCH_MS);
  let refusal: string | undefined;
  try {
    for await (const chunk of child.output) if (watching.push(chunk)) break;
  } catch (thrown) {
    if (isCancelled(thrown)) throw thrown;
    refusal = toAppError(thrown).message;
  } finally {
    timer[Symbol.dispose]();
    signal.removeEventListener('abort', onAbort);
    child.kill();
  }
  const { stderrTail, spawnError } = await child.ended;
  const complaint = readComplaint(stderrTail);
  const silence =
    spawnError !== undefined
      ? `ffmpeg cannot be started (${spawnError})`
      : patience.isOver
        ? `no picture for ${TIMEOUT_MS / SECOND_MS} s`
        : complaint.detail;
  return { picture: watching.picture, detail: refusal ?? silence, wantedSound: complaint.sound };
}

function fateOf({ audio }: RecorderInput, sound: SoundTreatment): SoundFate {
  if (audio === 'none') return 'left-out';
  return audio === 'aac' || sound === 'convert' ? 'converted' : 'carried';
}
