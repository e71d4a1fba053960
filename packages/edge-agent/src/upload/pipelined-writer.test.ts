import { AppError } from '@gapless/shared/errors';
import { SimulatedClock } from '@gapless/shared/time';
import { describe, expect, it } from 'vitest';
import { PauseGate } from './pause-gate.js';
import type { PipelinedWriterOptions } from './pipelined-writer.js';
import { PipelinedWriter } from './pipelined-writer.js';
import { RateLimiter } from './rate-limiter.js';
import type { Remote } from './remote.js';
import { UploadWindow, WRITE_BYTES } from './upload-window.js';

interface Sent {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly answer: (error?: AppError) => void;
}

/** A server that answers when it is told to. */
class ScriptedRemote implements Remote {
  readonly files: never = undefined as never;
  readonly sent: Sent[] = [];
  readonly #gone = new AbortController();
  readonly gone = this.#gone.signal;
  readonly localAddress = '10.0.0.1';
  readonly heardMs = 0;
  readonly unansweredSinceMs = undefined;
  #arrived: (() => void) | undefined;

  write(_: unknown, bytes: Uint8Array, offset: number, done: (error?: AppError) => void): void {
    this.sent.push({ offset, bytes, answer: done });
    this.#arrived?.();
  }

  /** Resolves when `count` writes have been sent in all. */
  async count(count: number): Promise<void> {
    while (this.sent.length < count) await new Promise<void>((resolve) => (this.#arrived = resolve));
  }

  open = (): Promise<never> => Promise.reject(new Error('unused'));
  shrink = (): Promise<void> => Promise.resolve();
  close = (): Promise<void> => Promise.resolve();
  ping = (): Promise<void> => Promise.resolve();
  end(reason: AppError): void {
    this.#gone.abort(reason);
  }
}

function setUp(options: Partial<PipelinedWriterOptions> & { content: Uint8Array }): {
  remote: ScriptedRemote;
  window: UploadWindow;
  gate: PauseGate;
  acked: number[];
  writer: PipelinedWriter;
} {
  const clock = new SimulatedClock();
  const remote = new ScriptedRemote();
  const window = new UploadWindow(clock, new RateLimiter(clock));
  const gate = new PauseGate(clock);
  const acked: number[] = [];
  const from = options.from ?? 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = from; at < options.content.length; at += 70_001)
      yield options.content.subarray(at, at + 70_001);
  }
  const writer = new PipelinedWriter({
    remote,
    file: { handle: new Uint8Array(4), sizeBytes: from },
    from,
    sizeBytes: options.content.length,
    source: source(),
    window,
    gate,
    onSent: () => undefined,
    onAcked: (ackedBytes) => acked.push(ackedBytes),
    signals: [],
    ...options,
  });
  return { remote, window, gate, acked, writer };
}

const content = Uint8Array.from({ length: 10 * WRITE_BYTES + 1234 }, (_, n) => n % 253);

describe('PipelinedWriter', () => {
  it('writes pieces of exactly 31 KiB at strictly rising offsets, and the rest', async () => {
    const { remote, writer } = setUp({ content, from: 500 });
    const running = writer.run();
    const pieces = Math.ceil((content.length - 500) / WRITE_BYTES);
    for (let n = 0; n < pieces; n++) {
      await remote.count(n + 1);
      remote.sent[n]!.answer();
    }
    await running;
    expect(WRITE_BYTES).toBe(31_744);
    let offset = 500;
    for (const piece of remote.sent) {
      expect(piece.offset).toBe(offset);
      offset += piece.bytes.length;
    }
    expect(remote.sent.slice(0, -1).every((piece) => piece.bytes.length === 31_744)).toBe(true);
    expect(Buffer.concat(remote.sent.map((piece) => piece.bytes))).toEqual(
      Buffer.from(content.subarray(500)),
    );
  });

  it('has no more on its way than the window allows', async () => {
    const { remote, window, writer } = setUp({ content });
    const running = writer.run();
    await remote.count(4);
    await new Promise((resolve) => setImmediate(resolve));
    expect(remote.sent).toHaveLength(Math.floor(window.limitBytes / WRITE_BYTES));
    expect(window.inFlightBytes).toBeLessThanOrEqual(window.limitBytes);
    remote.end(new AppError('SFTP_UNREACHABLE', 'gone'));
    await expect(running).rejects.toThrow('gone');
    // What will never be answered does not hold up the next connection.
    expect(window.inFlightBytes).toBe(0);
  });

  it('reports the acknowledged prefix, whatever order answers come in', async () => {
    const { remote, acked, writer } = setUp({ content: content.subarray(0, 3 * WRITE_BYTES) });
    const running = writer.run();
    await remote.count(3);
    for (const n of [2, 0, 1]) remote.sent[n]!.answer();
    await running;
    expect(acked).toEqual([0, WRITE_BYTES, 3 * WRITE_BYTES]);
  });

  it('stops at the first refusal and says which', async () => {
    const { remote, window, writer } = setUp({ content });
    const running = writer.run();
    await remote.count(4);
    remote.sent[0]!.answer();
    remote.sent[1]!.answer(new AppError('UPLOAD_REMOTE_FAILED', 'the disk is full'));
    remote.sent[2]!.answer(new AppError('UPLOAD_REMOTE_FAILED', 'leaves a hole'));
    await expect(running).rejects.toThrow('the disk is full');
    expect(window.inFlightBytes).toBe(0);
  });

  it('fails when the source ends early, and when it fails itself', async () => {
    const short = setUp({ content, sizeBytes: content.length + 1 });
    const running = short.writer.run();
    running.catch(() => undefined);
    for (let n = 0; n < 10; n++) {
      await short.remote.count(n + 1);
      short.remote.sent[n]!.answer();
    }
    await expect(running).rejects.toMatchObject({ code: 'UPLOAD_SOURCE_SHORT' });
    const broken = setUp({
      content,
      // eslint-disable-next-line require-yield
      source: (async function* () {
        throw new Error('the card is gone');
      })(),
    });
    await expect(broken.writer.run()).rejects.toThrow('the card is gone');
  });

  it('does not wait for a source that hangs when it is told to stop', async () => {
    const stop = new AbortController();
    const { writer } = setUp({
      content,
      signals: [stop.signal],
      source: (async function* () {
        await new Promise(() => undefined);
        yield new Uint8Array();
      })(),
    });
    const running = writer.run();
    stop.abort(new Error('stop'));
    await expect(running).rejects.toThrow('stop');
  });

  it('sends nothing while it is paused at the end of a block', async () => {
    const { remote, gate, writer } = setUp({ content });
    gate.pause();
    const running = writer.run();
    await new Promise((resolve) => setImmediate(resolve));
    expect(remote.sent).toHaveLength(0);
    gate.resume();
    await remote.count(4);
    remote.end(new AppError('SFTP_UNREACHABLE', 'gone'));
    await expect(running).rejects.toThrow('gone');
  });
});
