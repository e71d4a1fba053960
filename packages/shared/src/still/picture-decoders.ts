import { createHash } from 'node:crypto';
import { AppError, cancelled } from '../errors/index.js';
import type { PictureStream, Track } from '../isobmff/index.js';
import { pictureStream } from '../isobmff/index.js';
import type { DurationMs, Timer } from '../time/index.js';
import type { PictureLook } from './decoder-plan.js';
import type { DecoderPort } from './picture-decoder.js';
import { PictureDecoder } from './picture-decoder.js';
import { Turns } from './turns.js';

/** A sync sample of a video track, as it lies in the file. */
export interface CodedPicture {
  readonly track: Track;
  readonly sample: Uint8Array;
}

/** Decoders that there are at most, at work or kept. Each takes some 110 MB for 1080p, and a core while it works. */
const MAX_DECODERS = 2;

/** Pictures that may wait for a decoder. */
const MAX_WAITING = 32;

/** A decoder is kept this long for the next picture of the same stream. */
const KEEP_MS: DurationMs = 60_000;

/** Bound on a coded picture; a keyframe of 8K at the best quality has some 5 MB. */
export const MAX_SAMPLE_BYTES = 16 * 2 ** 20;

interface Kept {
  readonly key: string;
  readonly decoder: PictureDecoder;
  readonly timer: Timer;
}

/**
 * Makes JPEGs of coded pictures with ffmpegs, outside this process: whatever a picture does to one, nothing but the
 * picture is lost. Those whose start has been paid are kept for a while: most pictures are asked for in rows.
 */
export class PictureDecoders implements AsyncDisposable {
  readonly #port: DecoderPort;
  readonly #turns = new Turns({ atOnce: MAX_DECODERS, waiting: MAX_WAITING });
  /** The one that was used last at the end. */
  readonly #kept: Kept[] = [];
  readonly #all = new Set<PictureDecoder>();
  readonly #stop = new AbortController();

  constructor(port: DecoderPort) {
    this.#port = port;
  }

  /** Processes that run at this moment. */
  get count(): number {
    return this.#all.size;
  }

  /**
   * Makes a JPEG of a picture.
   *
   * @throws SNAPSHOT_FAILED with ffmpeg's words, SNAPSHOT_SLOW, SNAPSHOT_BUSY, FFMPEG_MISSING, MP4_INVALID for a picture
   *   whose parameters make no sense, and the signal's reason
   */
  async jpegOf({ track, sample }: CodedPicture, look: PictureLook, signal: AbortSignal): Promise<Uint8Array> {
    if (sample.length > MAX_SAMPLE_BYTES)
      throw new AppError(
        'SNAPSHOT_FAILED',
        `the coded picture has ${sample.length} bytes, which no camera makes`,
      );
    const until = AbortSignal.any([signal, this.#stop.signal]);
    using _turn = await this.#turns.take(until);
    const stream = pictureStream(track);
    const key = `${look.width ?? ''} ${look.quality} ${createHash('sha256').update(stream.init).digest('hex')}`;
    const kept = this.#takeKept(key);
    if (kept) {
      try {
        return await this.#decode(key, kept, { sample, signal: until });
      } catch (thrown) {
        // One that was kept may have died of anything; only a fresh one tells what it thinks of this picture.
        if (until.aborted) throw thrown;
      }
    }
    return await this.#decode(key, await this.#begin(stream, look), { sample, signal: until });
  }

  /** Ends all of them, those at work as well. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(cancelled('the decoders are stopped'));
    for (const { timer } of this.#kept.splice(0)) timer[Symbol.dispose]();
    await Promise.all([...this.#all].map((decoder) => this.#end(decoder)));
  }

  async #decode(
    key: string,
    decoder: PictureDecoder,
    { sample, signal }: { readonly sample: Uint8Array; readonly signal: AbortSignal },
  ): Promise<Uint8Array> {
    try {
      return await decoder.decode(sample, signal);
    } finally {
      if (decoder.isUsable && !this.#stop.signal.aborted) this.#keep(key, decoder);
      else await this.#end(decoder);
    }
  }

  /** Starts one in the place of the one that has not been used for longest. */
  async #begin(stream: PictureStream, look: PictureLook): Promise<PictureDecoder> {
    while (this.#all.size >= MAX_DECODERS && this.#kept.length > 0) await this.#letGo(this.#kept[0]!);
    const decoder = new PictureDecoder(this.#port, stream, look);
    this.#all.add(decoder);
    return decoder;
  }

  #keep(key: string, decoder: PictureDecoder): void {
    const timer = this.#port.clock.schedule(KEEP_MS, () => void this.#letGo(kept));
    const kept: Kept = { key, decoder, timer };
    this.#kept.push(kept);
  }

  #takeKept(key: string): PictureDecoder | undefined {
    const at = this.#kept.findLastIndex((one) => one.key === key && one.decoder.isUsable);
    if (at < 0) return undefined;
    const [kept] = this.#kept.splice(at, 1);
    kept!.timer[Symbol.dispose]();
    return kept!.decoder;
  }

  async #letGo(kept: Kept): Promise<void> {
    const at = this.#kept.indexOf(kept);
    if (at < 0) return;
    this.#kept.splice(at, 1);
    kept.timer[Symbol.dispose]();
    await this.#end(kept.decoder);
  }

  async #end(decoder: PictureDecoder): Promise<void> {
    await decoder[Symbol.asyncDispose]();
    this.#all.delete(decoder);
  }
}
