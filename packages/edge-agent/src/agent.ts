import { readFile, statfs } from 'node:fs/promises';
import { AppError, errnoOf, toAppError } from '@gapless/shared/errors';
import { makeWritableDirectory, type Disk } from '@gapless/shared/fs';
import type { Random } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import { Disposal, every } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { StatusMessage, TicketMessage } from '@gapless/shared/protocol';
import type { Clock } from '@gapless/shared/time';
import { sleep } from '@gapless/shared/time';
import { lockState } from './agent-lock.js';
import type { EdgeConfig } from './config.js';
import { lensesOf, linkUrlOf, storageDirOf, vehicleOf } from './config.js';
import type { Carrier } from './fulfil/index.js';
import { SessionWorker, Transfers } from './fulfil/index.js';
import {
  catchUp,
  changesAfter,
  indexPath,
  IndexReader,
  IndexWriter,
  Journal,
  JOURNAL_SYNC_MS,
  openIndex,
  settleJournal,
  withDurablePaths,
} from './index/index.js';
import { CatalogueFeed, dialLink, IdentityFile, LinkClient, loadKeys } from './link/index.js';
import type { LinkSession } from './link/index.js';
import { LiveLane } from './live/index.js';
import type { StartProcess } from './record/index.js';
import { LensRecorder, RecordingGate, recover, recoverLens, startFfmpeg } from './record/index.js';
import { freeSpaceOf, StorageKeeper } from './retain/index.js';
import { SftpUploader, systemLocalAddresses } from './upload/index.js';

export interface AgentOptions {
  readonly config: EdgeConfig;
  readonly version: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly step: StepHook;
  readonly bootId: string;
  readonly startProcess?: StartProcess;
}

/** How often an agent that is not enrolled looks whether it is. */
const ENROLMENT_LOOK_MS = 2_000;

/** The edge agent as a whole. The only place where its stages are put together. */
export class Agent implements AsyncDisposable {
  readonly #options: AgentOptions;
  readonly #owned: Disposal;
  readonly #stop = new AbortController();
  readonly #reader: IndexReader;
  readonly #writer: IndexWriter;
  readonly #identity: IdentityFile;
  readonly #keys: Awaited<ReturnType<typeof loadKeys>>;
  readonly #lane: LiveLane;
  readonly #recorders: LensRecorder[] = [];
  readonly #running: Promise<void>[] = [];
  readonly #journal: Journal;
  readonly #gate = new RecordingGate();
  readonly #storage: StorageKeeper;
  #transfers: Transfers | undefined;
  /** The change sequence up to which central has said that it knows the catalogue. */
  #toldSeq = 0;
  #link: LinkClient | undefined;
  #uploader: SftpUploader | undefined;

  private constructor(
    options: AgentOptions,
    made: {
      owned: Disposal;
      journal: Journal;
      reader: IndexReader;
      writer: IndexWriter;
      identity: IdentityFile;
      keys: Awaited<ReturnType<typeof loadKeys>>;
    },
  ) {
    this.#options = options;
    this.#owned = made.owned;
    this.#journal = made.journal;
    this.#reader = made.reader;
    this.#writer = made.writer;
    this.#identity = made.identity;
    this.#keys = made.keys;
    this.#lane = new LiveLane(options.clock);
    this.#storage = this.#storageKeeper();
  }

  /**
   * Starts the agent: puts the recordings in order, then records every lens, then links to central.
   *
   * @throws AGENT_RUNNING, STORAGE_UNWRITABLE, DATABASE_*, KEY_UNREADABLE, SECRET_EXPOSED
   */
  static async start(given: AgentOptions): Promise<Agent> {
    const { config, clock, log } = given;
    const storageDir = storageDirOf(config);
    await requireWritable(config.stateDir, 'stateDir');
    await requireWritable(storageDir, 'storage.dir');
    const disk = withDurablePaths(given.disk, storageDir);
    const owned = new Disposal();
    try {
      owned.use(lockState(config.stateDir));
      const database = openIndex(indexPath(config.stateDir));
      owned.defer(() => void database.close());
      const onError = (err: AppError): void => log.error({ err }, 'journal could not be written');
      const journal = new Journal({ disk, storageDir, onError });
      const writer = owned.use(new IndexWriter(database, clock, journal));
      const reader = new IndexReader(database);
      const identity = await IdentityFile.load(disk, config.stateDir);
      const keys = await loadKeys(disk, config.stateDir);
      const agent = new Agent({ ...given, disk }, { owned, journal, reader, writer, identity, keys });
      await agent.#begin();
      return agent;
    } catch (thrown) {
      await owned[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Stops in path order: recording first, so that the last segments are closed and told. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.#uploader?.[Symbol.asyncDispose]();
    await this.#owned[Symbol.asyncDispose]();
  }

  async #begin(): Promise<void> {
    const { config, clock, bootId, log, step, disk, random } = this.#options;
    const storageDir = storageDirOf(config);
    const evidence = this.#keys.evidence;
    const segmentPort = { disk, clock, index: this.#writer, storageDir, evidence, step };
    const lenses = lensesOf(config);
    const recovery = { ...segmentPort, reader: this.#reader, bootId, log: log.child({ stage: 'recover' }) };
    await catchUp({ reader: this.#reader, journal: this.#journal });
    await this.#storage.begin();
    const recovered = await recover(
      recovery,
      lenses.map(({ lens }) => lens),
    );
    for (const { lens, input, live } of lenses) {
      const recorder = new LensRecorder({
        port: {
          ...segmentPort,
          vehicle: vehicleOf(config),
          lens,
          segmentDurationMs: config.recording.segmentDuration,
          random,
          wall: () => ({ trusted: true, bootId }),
          live: (descriptor, bytes) => {
            if (live === 'push') this.#lane.offer(descriptor, bytes);
          },
        },
        input,
        ffmpeg: config.ffmpeg,
        start: this.#options.startProcess ?? startFfmpeg,
        stallMs: config.recording.stallTimeout,
        log: log.child({ stage: 'record', lens }),
        previous: recovered.get(lens)?.previous,
        gate: this.#gate,
        tidy: async () => {
          await recoverLens(recovery, lens);
          return this.#reader.segments.lastSha256(lens);
        },
        absence: recovered.get(lens)?.absence,
      });
      this.#recorders.push(recorder);
    }
    this.#running.push(
      this.#run(),
      this.#storage.run(this.#stop.signal),
      every(clock, JOURNAL_SYNC_MS, this.#stop.signal, () => this.#settleJournal()),
    );
  }

  #storageKeeper(): StorageKeeper {
    const { config, clock, disk, step, log } = this.#options;
    const { maxSize, minFree, maxAge, whenFull } = config.storage;
    const storageDir = storageDirOf(config);
    return new StorageKeeper({
      ...{ disk, clock, storageDir, step, log: log.child({ stage: 'retain' }) },
      reader: this.#reader,
      index: this.#writer,
      journal: this.#journal,
      limits: { maxBytes: maxSize, minFreeBytes: minFree, maxAgeMs: maxAge, whenFull },
      freeBytes: freeSpaceOf(storageDir),
      openBytes: () => this.#recorders.reduce((sum, { openBytes }) => sum + openBytes, 0),
      isInUse: (segment) => this.#transfers?.isSending(segment) ?? false,
      gate: this.#gate,
      toldSeq: () => (config.central ? this.#toldSeq : Number.POSITIVE_INFINITY),
    });
  }

  async #settleJournal(): Promise<void> {
    try {
      await settleJournal({ reader: this.#reader, index: this.#writer, journal: this.#journal });
    } catch (thrown) {
      this.#options.log.error({ err: toAppError(thrown) }, 'journal could not be settled');
    }
  }

  /** Records until the stop, then lets the link tell central of the last segments. */
  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const recording = Promise.all(this.#recorders.map((recorder) => recorder.run(this.#stop.signal)));
    const linkStop = new AbortController();
    const linking = this.#runLink(linkStop.signal).catch((thrown: unknown) =>
      log.error({ err: toAppError(thrown) }, 'link ended'),
    );
    await recording;
    await this.#writer.noteStop(clock.nowMs());
    await this.#settleJournal();
    await this.#tellLastWord();
    linkStop.abort();
    await linking;
  }

  async #runLink(signal: AbortSignal): Promise<void> {
    const { config, clock, random, log, version, bootId } = this.#options;
    if (!config.central) return;
    await this.#enrolled(signal);
    if (signal.aborted) return;
    const url = linkUrlOf(config.central);
    this.#uploader = new SftpUploader({
      privateKey: this.#keys.sftp.privateKey,
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
    this.#uploader.setRateLimit(config.upload.maxRate);
    const link = new LinkClient({
      url,
      ca: config.central.ca === undefined ? undefined : await readFile(config.central.ca, 'utf8'),
      identity: this.#identity,
      keys: this.#keys,
      introduce: () => ({
        agentVersion: version,
        bootId,
        clock: { nowMs: clock.nowMs(), trusted: true, source: 'none' },
        catalogueEpoch: this.#reader.catalogueEpoch,
        lenses: lensesOf(config).map(({ lens, live }) => ({ lens, live })),
      }),
      dial: dialLink,
      clock,
      random,
      log: log.child({ stage: 'link' }),
    });
    link.onSession = (session) => this.#attach(session);
    link.onDown = () => this.#lane.detach();
    this.#link = link;
    await link.run(signal);
  }

  /** Resolves once the vehicle is enrolled; until then it records and nothing more. */
  async #enrolled(signal: AbortSignal): Promise<void> {
    const isEnrolled = (): boolean => this.#identity.identity !== undefined;
    if (isEnrolled()) return;
    const { clock, log } = this.#options;
    log.warn('not enrolled: recording only. Enrol with gapless-edge enroll');
    while (!isEnrolled() && !signal.aborted) {
      await sleep(clock, ENROLMENT_LOOK_MS, signal).catch(() => undefined);
      await this.#identity.reload();
    }
  }

  /** Puts together what one session with central does. */
  #attach(session: LinkSession): void {
    const { clock, disk, step, log, config } = this.#options;
    const send = (message: object): void => session.send(message);
    this.#uploader!.kick();
    this.#lane.attach(session);
    for (const recorder of this.#recorders) recorder.cutSoon();
    const feed = new CatalogueFeed(
      { after: (afterSeq, limit) => changesAfter(this.#reader, afterSeq, limit) },
      session.welcome.catalogueSeq,
      send,
    );
    const transfers = new Transfers(
      {
        reader: this.#reader,
        storageDir: storageDirOf(config),
        disk,
        carrier: this.#carrier(),
        clock,
        step,
        log: log.child({ stage: 'fulfil' }),
        onCorrupt: (segment) => {
          this.#storage
            .bury(segment, 'corrupt')
            .catch((thrown: unknown) =>
              log.error({ err: toAppError(thrown) }, 'damaged file could not be put away'),
            );
        },
      },
      send,
    );
    this.#transfers = transfers;
    this.#toldSeq = Math.max(this.#toldSeq, session.welcome.catalogueSeq);
    const worker = new SessionWorker({ reader: this.#reader, index: this.#writer, transfers, send });
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
    const unsubscribe = this.#writer.onChange(() => feed.pump());
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
  #carrier(): Carrier {
    return {
      upload: async ({ ticket, artifact, signal, onProgress }) => {
        const uploader = this.#uploader!;
        uploader.setEndpoint(this.#endpointOf(ticket));
        await uploader.upload({
          path: ticket.path,
          sizeBytes: ticket.sizeBytes,
          offset: ticket.offset,
          read: (from) => artifact.stream(from, artifact.length, { signal, chunkBytes: 256 * 1024 }),
          signal,
          onProgress,
        });
      },
    };
  }

  #endpointOf(ticket: TicketMessage): Parameters<SftpUploader['setEndpoint']>[0] {
    const { hostKeys } = this.#identity.identity!;
    const pinned = ticket.hostKeys.filter((key) => hostKeys.includes(key));
    const { hostname } = new URL(this.#options.config.central!.url);
    return {
      host: ticket.host === '' ? hostname.replace(/^\[|\]$/g, '') : ticket.host,
      port: ticket.port,
      user: ticket.user,
      hostKeys: pinned,
    };
  }

  async #sendStatus(session: LinkSession): Promise<void> {
    session.send(await this.#status());
  }

  async #status(): Promise<StatusMessage> {
    const { config, clock } = this.#options;
    const live = new Map(lensesOf(config).map((one) => [one.lens, one.live]));
    const { bavail, bsize } = await statfs(storageDirOf(config));
    return {
      type: 'status',
      sentAt: clock.monotonicMs(),
      changeSeq: this.#reader.changeSeq,
      lenses: this.#recorders.map(({ status }) => ({ ...status, live: live.get(status.lens)! })),
      storage: { usedBytes: this.#reader.segments.totalBytes(), freeBytes: bavail * bsize },
    };
  }

  /** Gives the link a moment to say that the agent stopped on purpose. */
  async #tellLastWord(): Promise<void> {
    const session = this.#link?.session;
    if (session) await this.#sendStatus(session);
  }
}

async function requireWritable(directory: string, key: string): Promise<void> {
  try {
    await makeWritableDirectory(directory);
  } catch (thrown) {
    throw new AppError(
      'STORAGE_UNWRITABLE',
      `cannot write to ${key} ${directory}: ${errnoOf(thrown) ?? String(thrown)}`,
      {
        cause: thrown,
        hint: `Name another directory as ${key}, or give the user that runs the agent the right to write there.`,
      },
    );
  }
}
