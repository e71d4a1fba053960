import { readFile } from 'node:fs/promises';
import type { AppError } from '@gapless/shared/errors';
import { toAppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { LensName, Random } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import { every } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import { Flood } from '@gapless/shared/log';
import type { StatusMessage } from '@gapless/shared/protocol';
import type { Clock, EpochMs } from '@gapless/shared/time';
import { MINUTE_MS, PLAUSIBLE_FROM_MS, sleep } from '@gapless/shared/time';
import type { EdgeConfig } from './config.js';
import { lensesOf, linkUrlOf, storageDirOf } from './config.js';
import type { Carrier, Operations } from './fulfil/index.js';
import { SessionWorker, Transfers } from './fulfil/index.js';
import type { IndexReader, IndexWriter } from './index/index.js';
import { changesAfter } from './index/index.js';
import type { Identity, IdentityFile, LinkSession } from './link/index.js';
import { CatalogueFeed, dialLink, LinkClient, loadAccessKeys } from './link/index.js';
import { LiveLane } from './live/index.js';
import type { LensRecorder } from './record/index.js';
import { systemLocalAddresses } from './local-addresses.js';
import type { RateLimiter } from './upload/index.js';
import { endpointOf, SftpUploader } from './upload/index.js';

export interface ConnectionPort {
  /** As it is now: a reload may change it. */
  readonly config: () => EdgeConfig;
  readonly central: NonNullable<EdgeConfig['central']>;
  readonly identity: IdentityFile;
  readonly version: string;
  readonly bootId: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly step: StepHook;
  readonly reader: IndexReader;
  readonly writer: IndexWriter;
  readonly recorders: () => readonly Pick<LensRecorder, 'status' | 'cutSoon'>[];
  /** When each lens will lose footage that central does not have; a lens that is not at risk is left out. */
  readonly overwriteEtas: () => Promise<ReadonlyMap<LensName, EpochMs>>;
  /** Bytes that the disk of the recordings still takes. */
  readonly freeBytes: () => Promise<number>;
  readonly operations: Operations;
  /** Puts away a segment whose file was found damaged while it was read. */
  readonly bury: (segment: Parameters<Transfers['isSending']>[0]) => void;
  /** The bound on the rate of all that goes up, except for live video. */
  readonly uploadLimit: RateLimiter;
}

/** The link as it stands; without the state of a link there is none, because the vehicle is not enrolled or still starting. */
export interface LinkState extends Partial<LinkClient['state']> {
  readonly url: string;
  readonly isEnrolled: boolean;
  /** Why there is no session. */
  readonly lastError?: AppError;
}

/** How often it is looked whether the vehicle was enrolled, or enrolled anew, by the `enroll` command. */
const ENROLMENT_LOOK_MS = 2_000;

/** The part of the agent that speaks to central. Recording neither needs it nor waits for it. */
export class Connection {
  readonly #port: ConnectionPort;
  readonly #lane: LiveLane;
  #session: LinkSession | undefined;
  #transfers: Transfers | undefined;
  #toldSeq = 0;
  #link: LinkClient | undefined;

  constructor(port: ConnectionPort) {
    this.#port = port;
    this.#lane = new LiveLane(port.clock);
  }

  /** The change sequence up to which central has said that it knows the catalogue. */
  get toldSeq(): number {
    return this.#toldSeq;
  }

  /** The link, for people to look at. */
  get linkState(): LinkState {
    const { identity, central } = this.#port;
    if (!identity.identity || !this.#link)
      return { url: central.url, isEnrolled: identity.identity !== undefined };
    const { lastError, state } = this.#link;
    return { url: central.url, isEnrolled: true, ...state, ...(lastError ? { lastError } : {}) };
  }

  /** What is on its way to central. */
  get transfers(): Transfers['states'] {
    return this.#session && this.#transfers ? this.#transfers.states : [];
  }

  /** Takes a piece of a fragment for the live lane, which sends it or drops it. */
  offerLive(...piece: Parameters<LiveLane['offer']>): void {
    this.#lane.offer(...piece);
  }

  isSending(segment: Parameters<Transfers['isSending']>[0]): boolean {
    return this.#transfers?.isSending(segment) ?? false;
  }

  /** Keeps a session with central until the signal aborts, with the keys of the enrolment that is in force. */
  async run(signal: AbortSignal): Promise<void> {
    const { identity: file, log } = this.#port;
    if (!file.identity) log.warn('not enrolled: recording only. Enrol with gapless-edge enroll');
    while (!signal.aborted) {
      const { identity } = file;
      const replaced = new AbortController();
      const speaking =
        identity &&
        this.#speak(identity, AbortSignal.any([signal, replaced.signal])).catch((thrown: unknown) =>
          log.error({ err: toAppError(thrown) }, 'no link can be kept'),
        );
      await this.#untilReplaced(identity?.enrolment, signal);
      replaced.abort();
      await speaking;
    }
  }

  /** Resolves once another enrolment than `enrolment` is in force, or at the stop. */
  async #untilReplaced(enrolment: string | undefined, signal: AbortSignal): Promise<void> {
    const { identity: file, clock, log } = this.#port;
    const flood = new Flood(clock, MINUTE_MS);
    for (;;) {
      await sleep(clock, ENROLMENT_LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await file.reload();
      } catch (thrown) {
        const err = toAppError(thrown);
        flood.report(err.code, (silent) => log.warn({ err, silent }, 'identity could not be read again'));
      }
      if (file.identity?.enrolment !== enrolment) return;
    }
  }

  /** Tells central now, and not with the next heartbeat, what has just changed. */
  async sendStatus(): Promise<void> {
    if (this.#session) await this.#sendStatus(this.#session);
  }

  async #speak({ enrolment }: Identity, signal: AbortSignal): Promise<void> {
    const { config, central, identity, clock, random, log, version, bootId, disk, reader } = this.#port;
    const keys = await loadAccessKeys(disk, config().stateDir, enrolment);
    await using uploader = this.#makeUploader(keys.sftp.privateKey);
    const link = new LinkClient({
      url: linkUrlOf(central),
      ca: central.ca === undefined ? undefined : await readFile(central.ca, 'utf8'),
      identity,
      keys,
      introduce: () => ({
        agentVersion: version,
        bootId,
        clock: { nowMs: clock.nowMs(), trusted: clock.nowMs() >= PLAUSIBLE_FROM_MS, source: 'none' },
        catalogueEpoch: reader.catalogueEpoch,
        lenses: lensesOf(config()).map(({ lens, live }) => ({ lens, live })),
      }),
      dial: dialLink,
      localAddresses: systemLocalAddresses,
      clock,
      random,
      log: log.child({ stage: 'link' }),
    });
    link.onReached = () => uploader.kick();
    link.onSession = (session) => this.#attach(session, uploader);
    link.onDown = () => {
      this.#session = undefined;
      this.#lane.detach();
    };
    this.#link = link;
    try {
      await link.run(signal);
    } finally {
      this.#link = undefined;
    }
  }

  #makeUploader(privateKey: string): SftpUploader {
    const { clock, random, log, uploadLimit } = this.#port;
    return new SftpUploader({
      sharedLimit: uploadLimit,
      login: { privateKey },
      clock,
      random,
      localAddresses: systemLocalAddresses,
      events: {
        onConnected: (tookMs) => log.info({ stage: 'upload', tookMs: Math.round(tookMs) }, 'sftp connected'),
        onStalled: (silentMs) =>
          log.warn({ stage: 'upload', silentMs: Math.round(silentMs) }, 'sftp stalled'),
        onDialFailed: (error) => log.debug({ stage: 'upload', err: error }, 'sftp dial failed'),
      },
    });
  }

  /** Puts together what one session with central does. */
  #attach(session: LinkSession, uploader: SftpUploader): void {
    const { reader, writer, clock, disk, step, log, config, recorders, bury, operations } = this.#port;
    const send = (message: object): void => session.send(message);
    this.#session = session;
    this.#lane.attach(session);
    for (const recorder of recorders()) recorder.cutSoon();
    const feed = new CatalogueFeed(
      { after: (afterSeq, limit) => changesAfter(reader, afterSeq, limit) },
      session.welcome.catalogueSeq,
      send,
    );
    const transfers = new Transfers(
      {
        reader,
        storageDir: storageDirOf(config()),
        disk,
        carrier: this.#carrier(uploader),
        clock,
        step,
        log: log.child({ stage: 'fulfil' }),
        onCorrupt: bury,
      },
      send,
    );
    this.#transfers = transfers;
    this.#toldSeq = Math.max(this.#toldSeq, session.welcome.catalogueSeq);
    const worker = new SessionWorker({ reader, index: writer, transfers, operations, send });
    session.onMessage = (message) => {
      if (message.type === 'catalogue-ack') {
        this.#toldSeq = Math.max(this.#toldSeq, message.throughSeq);
        feed.acknowledged(message.throughSeq);
      } else if (message.type === 'live-ack') this.#lane.acknowledge(message.bytes);
      else
        void worker
          .handle(message)
          .catch((thrown: unknown) =>
            log.error({ err: toAppError(thrown), type: message.type }, 'request from central failed'),
          );
    };
    const unsubscribe = writer.onChange(() => feed.pump());
    session.signal.addEventListener(
      'abort',
      () => {
        unsubscribe();
        transfers.abortAll();
      },
      { once: true },
    );
    feed.pump();
    void this.#sendStatus(session);
    void every(clock, session.welcome.heartbeatMs, session.signal, () => this.#sendStatus(session)).catch(
      () => undefined,
    );
  }

  /** Uploads to where a ticket says; only to a server whose host key was pinned. */
  #carrier(uploader: SftpUploader): Carrier {
    return {
      upload: async ({ ticket, artifact, signal, onProgress }) => {
        const { central, identity } = this.#port;
        const trustedHostKeys = identity.identity!.hostKeys;
        uploader.setEndpoint(endpointOf(ticket, { linkUrl: central.url, trustedHostKeys }));
        await uploader.upload({
          path: ticket.path,
          sizeBytes: ticket.sizeBytes,
          offset: ticket.offset,
          read: (from) => artifact.stream(from, artifact.length, { signal, reuse: true }),
          signal,
          onProgress,
        });
      },
    };
  }

  async #sendStatus(session: LinkSession): Promise<void> {
    session.send(await this.#status());
  }

  async #status(): Promise<StatusMessage> {
    const { config, clock, reader, recorders, overwriteEtas, freeBytes } = this.#port;
    const live = new Map(lensesOf(config()).map((one) => [one.lens, one.live]));
    const etas = await overwriteEtas();
    return {
      type: 'status',
      sentAt: clock.monotonicMs(),
      changeSeq: reader.changeSeq,
      lenses: recorders().map(({ status }) => {
        const overwriteEtaMs = etas.get(status.lens);
        const risk = overwriteEtaMs === undefined ? {} : { overwriteEtaMs };
        // One that has just been taken out of the configuration is told once more.
        return { ...status, live: live.get(status.lens) ?? 'off', ...risk };
      }),
      storage: { usedBytes: reader.segments.totalBytes(), freeBytes: await freeBytes() },
    };
  }
}
