import type { CentralMessage } from '@gapless/shared/protocol';
import type { IndexReader } from '../index/index-reader.js';
import type { IndexWriter } from '../index/index-writer.js';
import { heldAnswer } from '../query/index.js';
import type { Operations } from './operations.js';
import type { Transfers } from './transfers.js';

export interface SessionWorkerPort {
  readonly reader: IndexReader;
  readonly index: IndexWriter;
  readonly transfers: Transfers;
  readonly operations: Operations;
  readonly send: (message: object) => void;
}

/** Answers what central asks in one session. Messages of other stages are left to them. */
export class SessionWorker {
  readonly #port: SessionWorkerPort;

  constructor(port: SessionWorkerPort) {
    this.#port = port;
  }

  async handle(message: CentralMessage): Promise<void> {
    const { reader, index, transfers, operations, send } = this.#port;
    switch (message.type) {
      case 'list':
        send(heldAnswer(reader, message));
        return;
      case 'ask':
        send(await operations.answer(message));
        return;
      case 'fetch':
        await transfers.fetch(message);
        return;
      case 'ticket':
        await transfers.send(message);
        return;
      case 'release':
        transfers.release(message.transfer, message.generation);
        return;
      case 'receipt':
        // Acknowledged only when it is durable: from then on these segments may be the first to be evicted.
        await index.markReceipted(message.segments);
        send({ type: 'receipt-ack', through: message.through });
        return;
      default:
        return;
    }
  }
}
