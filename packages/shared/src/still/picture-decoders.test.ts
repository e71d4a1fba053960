import { setTimeout as delay } from 'node:timers/promises';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { made, piecesOf, recordingOf, run } from '../../../../fixtures/media/index.js';
import { fragmentSummary, parseInitSegment, primaryTrack } from '../isobmff/index.js';
import { SimulatedClock, systemClock } from '../time/index.js';
import type { DecoderEnd, DecoderProcess, StartDecoder } from './ffmpeg-process.js';
import { startDecoder } from './ffmpeg-process.js';
import { jpegSize } from './jpeg-stream.js';
import type { CodedPicture } from './picture-decoders.js';
import { PictureDecoders } from './picture-decoders.js';

const signal = new AbortController().signal;
const plain = { width: undefined, quality: 85 };

async function pictureOf(size: string): Promise<CodedPicture> {
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2'];
  const path = await recordingOf(
    await made(['-f', 'lavfi', '-i', `testsrc2=s=${size}`, '-t', '1', ...video]),
  );
  const [first, fragment] = piecesOf(await readFile(path));
  const init = parseInitSegment(first!.bytes);
  const { offset, sizeBytes } = fragmentSummary(fragment!.bytes, init).primary!.firstSample;
  return { track: primaryTrack(init), sample: fragment!.bytes.subarray(offset, offset + sizeBytes) };
}

let small: CodedPicture;
let large: CodedPicture;
let jpeg: Buffer;
beforeAll(async () => {
  small = await pictureOf('160x90');
  large = await pictureOf('320x180');
  const source = ['-f', 'lavfi', '-i', 'testsrc2=s=64x64', '-frames:v', '1', '-pix_fmt', 'yuvj420p'];
  jpeg = await run('ffmpeg', [...source, '-f', 'image2pipe', '-c:v', 'mjpeg', '-']);
});

describe('PictureDecoders with ffmpeg', () => {
  const started: DecoderProcess[] = [];
  const start: StartDecoder = (ffmpeg, args) => {
    started.push(startDecoder(ffmpeg, args));
    return started.at(-1)!;
  };
  const make = (ffmpeg = 'ffmpeg'): PictureDecoders =>
    new PictureDecoders({ ffmpeg: () => ffmpeg, start, clock: systemClock });
  afterEach(async () => {
    // Whatever a test did, none of them is left.
    await Promise.all(started.splice(0).map(({ ended }) => ended));
  });

  it('starts one ffmpeg for many pictures of a stream', async () => {
    await using decoders = make();
    for (let i = 0; i < 5; i++) expect(jpegSize(await decoders.jpegOf(small, plain, signal)).width).toBe(160);
    expect(started).toHaveLength(1);
  });

  it('makes a picture although the ffmpeg that was kept has died', async () => {
    await using decoders = make();
    await decoders.jpegOf(small, plain, signal);
    started[0]!.kill();
    await started[0]!.ended;
    expect(jpegSize(await decoders.jpegOf(small, plain, signal)).width).toBe(160);
    expect(started).toHaveLength(2);
  });

  it('makes a picture although the ffmpeg that was kept dies over it', async () => {
    await using decoders = make();
    await decoders.jpegOf(small, plain, signal);
    const asked = decoders.jpegOf(small, plain, signal);
    started[0]!.kill();
    expect(jpegSize(await asked).width).toBe(160);
    expect(started).toHaveLength(2);
  });

  it('says what ffmpeg says of a damaged picture, and goes on with the next', async () => {
    await using decoders = make();
    await decoders.jpegOf(large, plain, signal);
    const sample = large.sample.slice();
    sample.fill(0xa5, sample.length / 2);
    await expect(decoders.jpegOf({ ...large, sample }, plain, signal)).rejects.toMatchObject({
      code: 'SNAPSHOT_FAILED',
      message: expect.stringContaining('[h264] error while decoding') as string,
    });
    expect(jpegSize(await decoders.jpegOf(large, plain, signal)).width).toBe(320);
  });

  it('says that there is no ffmpeg', async () => {
    await using decoders = make('/nowhere/ffmpeg');
    await expect(decoders.jpegOf(small, plain, signal)).rejects.toMatchObject({ code: 'FFMPEG_MISSING' });
  });

  it('never has more than two, whatever is asked for at once', async () => {
    await using decoders = make();
    const pictures = [small, large, small, large, small, large, small, large];
    const looks = [plain, { width: 40, quality: 50 }];
    const made = await Promise.all(
      pictures.map(async (picture, i) => {
        const one = await decoders.jpegOf(picture, looks[i % 3 === 0 ? 1 : 0]!, signal);
        expect(decoders.count).toBeLessThanOrEqual(2);
        return jpegSize(one).width;
      }),
    );
    expect(made).toEqual([40, 320, 160, 40, 160, 320, 40, 320]);
  });
});

/** A decoder that does what a test wants. */
class ScriptedDecoder implements DecoderProcess {
  readonly #chunks: (Uint8Array | undefined)[] = [];
  #wake: (() => void) | undefined;
  #end!: (end: DecoderEnd) => void;
  readonly ended = new Promise<DecoderEnd>((resolve) => (this.#end = resolve));
  readonly output = this.#read();
  isKilled = false;

  constructor(readonly onWrite: (self: ScriptedDecoder) => void) {}

  write(): void {
    this.onWrite(this);
  }

  say(bytes: Uint8Array | undefined): void {
    this.#chunks.push(bytes);
    this.#wake?.();
  }

  finish(): void {
    this.say(undefined);
    this.#end({ spawnError: undefined, complaint: '' });
  }

  kill(): void {
    this.isKilled = true;
    this.finish();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      while (this.#chunks.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      const chunk = this.#chunks.shift();
      if (!chunk) return;
      yield chunk;
    }
  }
}

describe(PictureDecoders, () => {
  function scripted(onWrite: (self: ScriptedDecoder) => void) {
    const started: ScriptedDecoder[] = [];
    const clock = new SimulatedClock(0);
    const start = (): DecoderProcess => {
      started.push(new ScriptedDecoder(onWrite));
      return started.at(-1)!;
    };
    return { started, clock, decoders: new PictureDecoders({ ffmpeg: () => 'ffmpeg', start, clock }) };
  }
  const answering = () => scripted((self) => self.say(jpeg));

  it('keeps a decoder for a minute', async () => {
    const { started, clock, decoders } = answering();
    await decoders.jpegOf(small, plain, signal);
    await clock.advance(59_000);
    await decoders.jpegOf(small, plain, signal);
    await clock.advance(59_000);
    expect([started.length, started[0]!.isKilled]).toEqual([1, false]);
    await clock.advance(1_000);
    expect(started[0]!.isKilled).toBe(true);
    await delay(0);
    expect(decoders.count).toBe(0);
  });

  it('begins anew after a thousand pictures', async () => {
    const { started, decoders } = answering();
    for (let i = 0; i <= 1_000; i++) await decoders.jpegOf(small, plain, signal);
    expect(started.map(({ isKilled }) => isKilled)).toEqual([true, false]);
    await decoders[Symbol.asyncDispose]();
  });

  it('ends a decoder that hangs', async () => {
    const { started, clock, decoders } = scripted(() => undefined);
    const asked = decoders.jpegOf(small, plain, signal);
    asked.catch(() => undefined);
    await delay(0);
    await clock.advance(10_000);
    await expect(asked).rejects.toMatchObject({ code: 'SNAPSHOT_SLOW', kind: 'timeout' });
    expect(started[0]!.isKilled).toBe(true);
    expect(decoders.count).toBe(0);
  });

  it('takes no picture for another', async () => {
    const { started, decoders } = scripted((self) => self.say(Buffer.concat([jpeg, jpeg])));
    await decoders.jpegOf(small, plain, signal);
    await delay(0);
    expect(started[0]!.isKilled).toBe(true);
    await decoders.jpegOf(small, plain, signal);
    expect(started).toHaveLength(2);
    await decoders[Symbol.asyncDispose]();
  });

  it('ends a decoder that writes something else than pictures', async () => {
    const { started, decoders } = scripted((self) => self.say(Buffer.from('hello')));
    await expect(decoders.jpegOf(small, plain, signal)).rejects.toMatchObject({ code: 'SNAPSHOT_FAILED' });
    expect(started[0]!.isKilled).toBe(true);
  });

  it('lets so many wait and no more, and forgets who has left', async () => {
    const { decoders } = scripted(() => undefined);
    const left = new AbortController();
    const asked = Array.from({ length: 34 }, () => decoders.jpegOf(small, plain, left.signal));
    const ended = Promise.allSettled(asked);
    await expect(decoders.jpegOf(small, plain, signal)).rejects.toMatchObject({ code: 'SNAPSHOT_BUSY' });
    left.abort(new Error('left'));
    const outcomes = await ended;
    expect(outcomes.map(({ status }) => status)).toEqual(asked.map(() => 'rejected'));
    expect(decoders.count).toBe(0);
  });

  it('ends all that is under way when it is disposed of', async () => {
    const { started, decoders } = scripted(() => undefined);
    const asked = Array.from({ length: 3 }, () => decoders.jpegOf(small, plain, signal));
    const ended = Promise.allSettled(asked);
    await delay(0);
    await decoders[Symbol.asyncDispose]();
    for (const { status } of await ended) expect(status).toBe('rejected');
    expect(started.every(({ isKilled }) => isKilled)).toBe(true);
    expect(decoders.count).toBe(0);
  });

  it('refuses a picture that no camera makes', async () => {
    const { started, decoders } = answering();
    const sample = new Uint8Array(17 * 2 ** 20);
    await expect(decoders.jpegOf({ ...small, sample }, plain, signal)).rejects.toMatchObject({
      code: 'SNAPSHOT_FAILED',
    });
    expect(started).toHaveLength(0);
  });
});
