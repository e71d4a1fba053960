import type {
  ProcessEnd,
  RecorderProcess,
  StartProcess,
} from '../../../packages/edge-agent/src/record/ffmpeg-process.js';
import type { RecorderCommand } from '../../../packages/edge-agent/src/record/recorder-input.js';

const ORDERLY: ProcessEnd = { exitCode: 0, signal: undefined, spawnError: undefined, stderrTail: '' };

/** A recorder child that writes what a test gives it. */
export class FakeChild implements RecorderProcess {
  readonly output: AsyncIterable<Uint8Array>;
  readonly ended: Promise<ProcessEnd>;
  stops = 0;
  readonly #chunks: Uint8Array[] = [];
  readonly #end: (end: ProcessEnd) => void;
  #isOver = false;
  /** Wakes the reader when there is something to read, and the giver when all has been read. */
  #wakeReader: (() => void) | undefined;
  #wakeGiver: (() => void) | undefined;

  constructor(readonly command: RecorderCommand) {
    let end: (end: ProcessEnd) => void = () => undefined;
    this.ended = new Promise((resolve) => (end = resolve));
    this.#end = end;
    this.output = { [Symbol.asyncIterator]: () => this.#read() };
  }

  /** Writes; resolves when the recorder has dealt with it and asks for more, or wants no more of it. */
  async give(...chunks: readonly Uint8Array[]): Promise<void> {
    this.#chunks.push(...chunks);
    const taken = new Promise<void>((resolve) => (this.#wakeGiver = resolve));
    this.#wakeReader?.();
    if (!this.#isOver) await taken;
  }

  /** Ends by itself. */
  end(end: Partial<ProcessEnd> = {}): void {
    this.#isOver = true;
    this.#end({ ...ORDERLY, ...end });
    this.#wakeReader?.();
    this.#wakeGiver?.();
  }

  /** Finishes as ffmpeg does when it is asked to. */
  stop(): void {
    this.stops++;
    this.end({ exitCode: 255 });
  }

  kill(): void {
    this.end({ exitCode: undefined, signal: 'SIGKILL' });
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk) {
          yield chunk;
          continue;
        }
        this.#wakeGiver?.();
        if (this.#isOver) return;
        await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      }
    } finally {
      this.#isOver = true;
      this.#wakeGiver?.();
    }
  }
}

/** A camera behind a recorder: one child after the other. */
export class FakeCamera {
  readonly children: FakeChild[] = [];
  #onStart: (() => void) | undefined;

  readonly start: StartProcess = (_ffmpeg, command) => {
    const child = new FakeChild(command);
    this.children.push(child);
    this.#onStart?.();
    return child;
  };

  /** Resolves when the child of that number, from 0, was started. */
  async child(number: number): Promise<FakeChild> {
    while (this.children.length <= number) await new Promise<void>((resolve) => (this.#onStart = resolve));
    return this.children[number]!;
  }
}
