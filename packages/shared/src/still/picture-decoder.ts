import { AppError, toAppError } from '../errors/index.js';
import type { PictureStream } from '../isobmff/index.js';
import type { Clock, DurationMs } from '../time/index.js';
import type { PictureLook } from './decoder-plan.js';
import { decoderArguments } from './decoder-plan.js';
import type { DecoderEnd, DecoderProcess, StartDecoder } from './ffmpeg-process.js';
import { JpegStream } from './jpeg-stream.js';

export interface DecoderPort {
  /** Name or path of the program, as it is configured at this moment. */
  readonly ffmpeg: () => string;
  readonly start: StartDecoder;
  readonly clock: Clock;
}

/** A decoder that takes longer hangs; a busy box with a cold disk needs a second or two for its first picture. */
const PATIENCE_MS: DurationMs = 10_000;

/** ffmpeg notes a little of every sample it has read; after so many it begins anew. */
const MAX_PICTURES = 1_000;

/** An ffmpeg that makes JPEGs of the sync samples of one stream, one at a time, and may be kept for the next. */
export class PictureDecoder implements AsyncDisposable {
  readonly #port: DecoderPort;
  readonly #stream: PictureStream;
  readonly #ffmpeg: string;
  readonly #process: DecoderProcess;
  readonly #reading: Promise<void>;
  #pictures = 0;
  #isFinished = false;
  #waiting: { resolve(picture: Uint8Array): void; reject(why: AppError): void } | undefined;
  /** Why it was killed. */
  #failure: AppError | undefined;

  constructor(port: DecoderPort, stream: PictureStream, look: PictureLook) {
    this.#port = port;
    this.#stream = stream;
    this.#ffmpeg = port.ffmpeg();
    this.#process = port.start(this.#ffmpeg, decoderArguments(look));
    this.#reading = this.#read();
  }

  /** Whether another picture may be asked of it. */
  get isUsable(): boolean {
    return !this.#isFinished && this.#waiting === undefined && this.#pictures < MAX_PICTURES;
  }

  /**
   * Makes a JPEG of a sync sample; not to be called again before that is done.
   *
   * @throws SNAPSHOT_FAILED with ffmpeg's words, SNAPSHOT_SLOW, FFMPEG_MISSING, and the signal's reason. The decoder is
   *   gone then.
   */
  async decode(sample: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const number = this.#pictures + 1;
    const parts = this.#stream.fragment(sample, number);
    this.#pictures = number;
    const picture = new Promise<Uint8Array>((resolve, reject) => (this.#waiting = { resolve, reject }));
    const giveUp = (): void => this.#fail(toAppError(signal.reason));
    const timer = this.#port.clock.schedule(PATIENCE_MS, () => this.#fail(slow()));
    signal.addEventListener('abort', giveUp);
    try {
      this.#process.write(number === 1 ? [this.#stream.init, ...parts] : parts);
      if (!this.#stream.isPrompt(sample)) this.#finish();
      return await picture;
    } finally {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Ends it, and waits until it has. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isFinished = true;
    this.#process.kill();
    await this.#reading;
  }

  #finish(): void {
    this.#isFinished = true;
    this.#process.finish();
  }

  #fail(why: AppError): void {
    this.#isFinished = true;
    this.#failure ??= why;
    this.#process.kill();
  }

  async #read(): Promise<void> {
    const stream = new JpegStream();
    try {
      for await (const chunk of this.#process.output)
        for (const picture of stream.push(chunk)) this.#take(picture);
    } catch (thrown) {
      this.#fail(toAppError(thrown));
    }
    const end = await this.#process.ended;
    this.#isFinished = true;
    this.#waiting?.reject(this.#failure ?? whyEnded(end, this.#ffmpeg));
    this.#waiting = undefined;
  }

  /** One picture for each sample; one that nobody has asked for would be taken for the next. */
  #take(picture: Uint8Array): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting.resolve(picture);
    else this.#fail(new AppError('SNAPSHOT_FAILED', 'the decoder made more pictures than it was asked for'));
  }
}

function slow(): AppError {
  return new AppError('SNAPSHOT_SLOW', `ffmpeg made no picture within ${PATIENCE_MS / 1000} s`, {
    hint: 'The box is busy, or the recording makes ffmpeg hang. Ask again, or for another time.',
  });
}

function whyEnded({ spawnError, complaint }: DecoderEnd, ffmpeg: string): AppError {
  if (spawnError !== undefined)
    return new AppError('FFMPEG_MISSING', `${ffmpeg} cannot be run: ${spawnError}`, {
      hint: 'Install it (apt install ffmpeg), or name its path as "ffmpeg" in the configuration.',
    });
  return new AppError('SNAPSHOT_FAILED', `ffmpeg could not decode the picture: ${wordsOf(complaint)}`, {
    hint: 'The keyframe may be damaged: ask for a time before or after it.',
  });
}

/** What ffmpeg says, without the addresses of its parts and without saying anything twice. */
function wordsOf(complaint: string): string {
  const lines = complaint.split('\n').map((line) => line.replace(/ @ 0x[0-9a-f]+/g, '').trim());
  const said = [...new Set(lines.filter((line) => line !== ''))].slice(0, 3).join('; ');
  return said === '' ? 'it ended without a word' : said.slice(0, 400);
}
