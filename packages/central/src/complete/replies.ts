import { AppError } from '@gapless/shared/errors';
import type { AgentMessage } from '@gapless/shared/protocol';
import type { Clock, DurationMs } from '@gapless/shared/time';

/** Messages that answer something that central asked for. */
export type Reply = Extract<AgentMessage, { type: 'held' | 'offer' | 'progress' | 'uploaded' | 'failed' }>;

/** Names what a reply answers: a question, or one lease of a transfer. A reply to anything older answers nothing. */
export function replyKey(reply: Reply): string {
  return reply.type === 'held' ? reply.id : leaseKey(reply.transfer, reply.generation);
}

export function leaseKey(transfer: string, generation: number): string {
  return `${transfer}#${generation}`;
}

/** Where the replies to one question or lease arrive, in order, until it is disposed of. */
export interface Mailbox extends Disposable {
  /**
   * The next reply.
   *
   * @throws TRANSFER_STALLED when none comes within `timeoutMs`; the session's reason once it has ended
   */
  next(timeoutMs: DurationMs): Promise<Reply>;
}

/** Brings replies to whoever waits for them. */
export class Replies {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #boxes = new Map<string, (reply: Reply) => void>();

  /** @param signal the session's: its end ends all waiting */
  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Opens the mailbox for `key`; what came before is not in it. */
  open(key: string): Mailbox {
    const arrived: Reply[] = [];
    let wake: () => void = () => undefined;
    const take = (reply: Reply): void => {
      arrived.push(reply);
      wake();
    };
    this.#boxes.set(key, take);
    return {
      next: async (timeoutMs) => {
        if (arrived.length === 0) await this.#wait(timeoutMs, (resolve) => (wake = resolve));
        return arrived.shift()!;
      },
      [Symbol.dispose]: () => {
        if (this.#boxes.get(key) === take) this.#boxes.delete(key);
      },
    };
  }

  /** Hands a reply to whoever waits for it; one that nobody waits for is of an older lease and is dropped. */
  deliver(reply: Reply): void {
    this.#boxes.get(replyKey(reply))?.(reply);
  }

  #wait(timeoutMs: DurationMs, arm: (resolve: () => void) => void): Promise<void> {
    const signal = this.#signal;
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        timer[Symbol.dispose]();
        signal.removeEventListener('abort', lost);
        settle();
      };
      const lost = end(() => reject(signal.reason as Error));
      const timer = this.#clock.schedule(
        timeoutMs,
        end(() => reject(new AppError('TRANSFER_STALLED', 'the vehicle did not answer in time'))),
      );
      signal.addEventListener('abort', lost, { once: true });
      arm(end(resolve));
    });
  }
}
