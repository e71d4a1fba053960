import { setMaxListeners } from 'node:events';
import type { AppError } from '@gapless/shared/errors';
import { errorKinds, isCancelled, toAppError } from '@gapless/shared/errors';
import type { Random } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import { retry } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import { Flood } from '@gapless/shared/log';
import type { Clock, DurationMs } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import type { RateLimiter } from '../upload/index.js';
import { foreignManners, forwardAborts, SftpUploader } from '../upload/index.js';
import type { Board } from './board.js';
import { failureOf } from './board.js';
import type { Destination } from './destination.js';
import { parseDestination } from './destination.js';
import { ItemRun } from './item-run.js';
import { readLogin } from './login.js';
import type { UploadPlan } from './request.js';
import type { Sources } from './sources.js';
import type { ItemRecord, UploadRecord } from './store/rows.js';
import type { UploadStore } from './store/upload-store.js';

export interface UploadRunPort {
  readonly sources: Sources;
  readonly store: UploadStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly step: StepHook;
  readonly localAddresses: () => ReadonlySet<string>;
  /** The bound on the rate of all that the agent uploads. */
  readonly sharedLimit: RateLimiter | undefined;
}

/** What another time may mend is tried again for as long as the upload stands; a policy of giving up is its owner's. */
const RETRY = { attempts: Number.POSITIVE_INFINITY, baseMs: SECOND_MS, capMs: 30 * SECOND_MS };
/** The same complaint of the connection is told this often. */
const COMPLAINT_MS: DurationMs = 10 * SECOND_MS;
/** Failures of the way to the server, which concern all items alike: trying on would only annoy who guards the server. */
const FATAL = new Set(['SFTP_HOST_KEY_MISMATCH', 'SFTP_LOGIN_REFUSED']);

/** Makes the carrier for one plan; throws what is wrong with the plan. */
export async function openUploader(
  { clock, random, localAddresses, sharedLimit }: UploadRunPort,
  plan: UploadPlan,
  events: ConstructorParameters<typeof SftpUploader>[0]['events'] = {},
): Promise<{ readonly destination: Destination; readonly uploader: SftpUploader }> {
  const destination = parseDestination(plan);
  const login = await readLogin(plan.login);
  const manners = foreignManners(destination.keyTypes);
  const uploader = new SftpUploader({
    ...{ login, manners, clock, random, localAddresses, sharedLimit, events },
  });
  uploader.setEndpoint(destination.endpoint);
  uploader.setRateLimit(plan.rateBytesPerSec);
  return { destination, uploader };
}

/** Works through the items of one upload, several at a time over one connection of its own. */
export class UploadRun {
  readonly #port: UploadRunPort;
  readonly #upload: UploadRecord;
  readonly #board: Board;
  readonly #log: Log;

  constructor(port: UploadRunPort, upload: UploadRecord, board: Board) {
    this.#port = port;
    this.#upload = upload;
    this.#board = board;
    this.#log = port.log.child({ upload: upload.id });
  }

  /**
   * Resolves when every item has ended, one way or the other.
   *
   * @throws the signal's reason; then nothing is lost, and another run goes on
   */
  async run(signal: AbortSignal): Promise<void> {
    const items = this.#port.store.items(this.#upload.id).filter(isOpen);
    const ended = new AbortController();
    // Every item listens.
    setMaxListeners(0, ended.signal);
    const unlink = forwardAborts([signal], ended);
    try {
      await this.#work(items, ended);
    } catch (thrown) {
      signal.throwIfAborted();
      // What concerns all of them is told of each.
      for (const { seq } of this.#port.store.items(this.#upload.id).filter(isOpen))
        await this.#fail(seq, toAppError(thrown));
    } finally {
      unlink();
    }
  }

  async #work(items: ItemRecord[], ended: AbortController): Promise<void> {
    const { plan } = this.#upload;
    const { destination, uploader } = await openUploader(this.#port, plan, this.#sessionEvents());
    await using _uploader = uploader;
    const left = items[Symbol.iterator]();
    const workers = Array.from({ length: Math.min(plan.concurrency, items.length) }, async () => {
      for (const item of left) await this.#carry(item, { destination, uploader, ended });
    });
    const results = await Promise.allSettled(workers);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #carry(
    item: ItemRecord,
    way: {
      readonly destination: Destination;
      readonly uploader: SftpUploader;
      readonly ended: AbortController;
    },
  ): Promise<void> {
    const { clock, random, store, sources, step } = this.#port;
    const { signal } = way.ended;
    const { seq } = item;
    const port = {
      ...{ upload: this.#upload.id, plan: this.#upload.plan, template: way.destination.template },
      ...{ sources, store, uploader: way.uploader, clock, step },
      tell: this.#board.tellItem.bind(this.#board),
    };
    const onRetry = (error: AppError, _attempt: number, waitMs: number): void => {
      this.#log.info({ err: error, item: seq, waitMs }, 'item is tried again');
      this.#board.tellItem(seq, { state: 'retrying', reason: failureOf(error), retryInMs: waitMs });
    };
    try {
      await retry(RETRY, { clock, random, signal, onRetry }, () => {
        // Rows may have changed with the attempt before.
        const current = store.item(this.#upload.id, seq)!;
        return new ItemRun(port, current, signal).run();
      });
      this.#log.info({ item: seq }, 'item uploaded');
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toAppError(thrown);
      if (FATAL.has(error.code)) {
        way.ended.abort(error);
        throw error;
      }
      await this.#fail(seq, error);
    }
  }

  async #fail(seq: number, error: AppError): Promise<void> {
    this.#log[errorKinds[error.kind].logLevel]({ err: error, item: seq }, 'item failed');
    const failure = failureOf(error);
    await this.#port.store.failItem(this.#upload.id, seq, failure);
    this.#board.tellItem(seq, { state: 'failed', reason: failure });
  }

  #sessionEvents(): ConstructorParameters<typeof SftpUploader>[0]['events'] {
    const flood = new Flood(this.#port.clock, COMPLAINT_MS);
    const complain = (error: AppError): void => {
      // Our own going is no complaint.
      if (isCancelled(error)) return;
      flood.report(error.message, () => this.#board.tellUpload({ reason: failureOf(error) }));
    };
    return {
      onConnected: () => this.#board.tellUpload({ reason: undefined }),
      onDialFailed: complain,
      onLost: complain,
    };
  }
}

function isOpen({ state }: ItemRecord): boolean {
  return state === 'queued' || state === 'publishing';
}
