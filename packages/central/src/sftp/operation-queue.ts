import type { AppError } from '@gapless/shared/errors';

export interface QueuedWrite<Writer> {
  readonly writer: Writer;
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Called once, when the bytes are in the file (no argument) or will never be. */
  readonly done: (error?: AppError) => void;
}

/** The fate of a batch: how many of its writes, from the first on, are in the file, and what the others are told. */
export interface BatchResult {
  readonly written: number;
  readonly error?: AppError;
}

type Operation<Writer> =
  | { readonly kind: 'write'; readonly write: QueuedWrite<Writer> }
  | { readonly kind: 'task'; readonly run: () => Promise<void> };

/** Most bytes that go to disk in one write. */
const MERGE_BYTES = 1024 * 1024;

/** How many places of the queue are used up before it is moved together. */
const COMPACT_AT = 64;

/**
 * The operations of one file, one at a time and in the order of arrival. Writes that have piled up behind one another
 * and are contiguous go to disk as one: that is what makes small SFTP writes fast.
 */
export class OperationQueue<Writer> {
  readonly #perform: (batch: readonly QueuedWrite<Writer>[]) => Promise<BatchResult>;
  readonly #waiting: (Operation<Writer> | undefined)[] = [];
  #head = 0;
  #unfinished = 0;
  #running = false;

  /** @param perform writes contiguous writes of one writer; never rejects */
  constructor(perform: (batch: readonly QueuedWrite<Writer>[]) => Promise<BatchResult>) {
    this.#perform = perform;
  }

  /** Whether everything queued so far has ended. */
  get isIdle(): boolean {
    return this.#unfinished === 0;
  }

  write(write: QueuedWrite<Writer>): void {
    this.#enqueue({ kind: 'write', write });
  }

  /** Runs `task` after everything queued so far; resolves or rejects as it does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const ended = <V>(settle: (value: V) => void) => {
        return (value: V): void => {
          this.#unfinished--;
          settle(value);
        };
      };
      this.#enqueue({ kind: 'task', run: () => task().then(ended(resolve), ended(reject)) });
    });
  }

  #enqueue(operation: Operation<Writer>): void {
    this.#unfinished++;
    this.#waiting.push(operation);
    if (!this.#running) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#running = true;
    for (let next = this.#take(); next; next = this.#take()) {
      if (next.kind === 'task') {
        await next.run();
        continue;
      }
      const batch = this.#merge(next.write);
      const { written, error } = await this.#perform(batch);
      this.#unfinished -= batch.length;
      batch.forEach((write, index) => write.done(index < written ? undefined : error));
    }
    this.#running = false;
  }

  #take(): Operation<Writer> | undefined {
    const next = this.#waiting[this.#head];
    if (next === undefined) return undefined;
    // Let go of the bytes at once: under steady load the queue is never empty.
    this.#waiting[this.#head++] = undefined;
    if (this.#head >= COMPACT_AT) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    return next;
  }

  /** Takes further writes off the queue as long as each goes on where the one before it ended. */
  #merge(first: QueuedWrite<Writer>): QueuedWrite<Writer>[] {
    const batch = [first];
    let endOffset = first.offset + first.bytes.length;
    for (let next = this.#waiting[this.#head]; next?.kind === 'write'; next = this.#waiting[this.#head]) {
      const { writer, offset, bytes } = next.write;
      const fits = endOffset + bytes.length - first.offset <= MERGE_BYTES;
      if (writer !== first.writer || offset !== endOffset || !fits) break;
      batch.push(next.write);
      endOffset += bytes.length;
      this.#take();
    }
    return batch;
  }
}
