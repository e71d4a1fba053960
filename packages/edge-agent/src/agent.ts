import type { ListenAddress } from '@gapless/shared/config';
import type { AppError } from '@gapless/shared/errors';
import { toAppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { LensName, Random } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import { Disposal, every, Serial } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import { PictureDecoders, startDecoder } from '@gapless/shared/still';
import type { Clock } from '@gapless/shared/time';
import { PLAUSIBLE_FROM_MS } from '@gapless/shared/time';
import { AdoptedLenses, watchDirectory } from './adopt/index.js';
import { lockState } from './agent-lock.js';
import type { EdgeConfig } from './config.js';
import {
  adoptSettingsOf,
  lensesOf,
  lensLimitsOf,
  lensSettingsOf,
  limitsOf,
  storageDirOf,
  vehicleOf,
} from './config.js';
import { SegmentUse } from './clip/index.js';
import { Connection } from './connection.js';
import type { AgentFacts, ControlPort } from './control/index.js';
import { agentFacts, ControlServer, controlPath, MetricsServer } from './control/index.js';
import { Uploads } from './deliver/index.js';
import { Operations } from './fulfil/index.js';
import {
  catchUp,
  commitsOf,
  indexPath,
  IndexReader,
  IndexWriter,
  Journal,
  JOURNAL_SYNC_MS,
  openSoundIndex,
  settleJournal,
  tellingDamage,
  withDurablePaths,
} from './index/index.js';
import { IdentityFile, loadAccessKeys, loadEvidenceKey } from './link/index.js';
import { Protections } from './protect/index.js';
import type { RecoveryPort, StartProcess } from './record/index.js';
import { Recorders, RecordingGate, recover, startFfmpeg } from './record/index.js';
import type { Reloaded } from './reload/index.js';
import { planReload } from './reload/index.js';
import { systemLocalAddresses } from './local-addresses.js';
import { whyMissing } from './query/index.js';
import { freeSpaceOf, StorageKeeper } from './retain/index.js';
import type { SnapshotPort } from './snapshot/index.js';
import { RateLimiter } from './upload/index.js';
import { requireWritable } from './writable-directory.js';

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
  /** Reads the configuration anew, with all the checks of a start. */
  readonly readConfig: () => Promise<EdgeConfig>;
  readonly setLogLevel: (level: EdgeConfig['log']['level']) => void;
}

type Evidence = Awaited<ReturnType<typeof loadEvidenceKey>>;

/** The edge agent as a whole. The only place where its stages are put together. */
export class Agent implements AsyncDisposable {
  /** Called when another configuration is in force. */
  onReloaded: (config: EdgeConfig) => void = () => undefined;

  /** Aborts with why when the index is found damaged: only another start can make it anew. */
  readonly damaged: AbortSignal;
  readonly #options: AgentOptions;
  readonly #owned: Disposal;
  readonly #stop = new AbortController();
  readonly #reader: IndexReader;
  readonly #writer: IndexWriter;
  readonly #evidence: Evidence;
  readonly #identity: IdentityFile;
  readonly #connection: Connection | undefined;
  readonly #recorders: Recorders;
  readonly #adopted: AdoptedLenses;
  readonly #running: Promise<void>[] = [];
  readonly #journal: Journal;
  readonly #gate = new RecordingGate();
  readonly #lensGates = new Map<LensName, RecordingGate>();
  readonly #clipUse = new SegmentUse();
  readonly #decoders: PictureDecoders;
  /** Of all that goes up, except for live video. */
  readonly #uploadLimit: RateLimiter;
  readonly #startedMs: number;
  readonly #storage: StorageKeeper;
  readonly #protections: Protections;
  readonly #reloading = new Serial();
  /** In force; a reload puts another in its place. */
  #config: EdgeConfig;
  #metrics: MetricsServer | undefined;

  private constructor(
    options: AgentOptions,
    made: {
      owned: Disposal;
      journal: Journal;
      reader: IndexReader;
      writer: IndexWriter;
      evidence: Evidence;
      identity: IdentityFile;
      damaged: AbortSignal;
    },
  ) {
    this.#options = options;
    this.damaged = made.damaged;
    this.#config = options.config;
    this.#startedMs = options.clock.nowMs();
    this.#uploadLimit = new RateLimiter(options.clock);
    this.#uploadLimit.set(options.config.upload.maxRate);
    this.#owned = made.owned;
    this.#journal = made.journal;
    this.#reader = made.reader;
    this.#writer = made.writer;
    this.#evidence = made.evidence;
    this.#identity = made.identity;
    const ffmpeg = () => this.#config.ffmpeg;
    const decoders = new PictureDecoders({ ffmpeg, start: startDecoder, clock: options.clock });
    this.#decoders = made.owned.use(decoders);
    this.#storage = this.#storageKeeper();
    this.#protections = this.#makeProtections();
    this.#recorders = this.#makeRecorders();
    this.#adopted = this.#makeAdopted();
    this.#connection = this.#makeConnection();
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
      const path = indexPath(config.stateDir);
      const database = await openSoundIndex({ ...given, disk, path, storageDir, nowMs: clock.nowMs() });
      owned.defer(() => void database.close());
      const onError = (err: AppError): void => log.error({ err }, 'journal could not be written');
      const journal = new Journal({ disk, storageDir, onError });
      const damaged = new AbortController();
      const commits = tellingDamage(commitsOf({ ...given, ...config.index, database }), path, (thrown) =>
        damaged.abort(thrown),
      );
      const writer = owned.use(new IndexWriter(database, clock, journal, commits));
      const reader = new IndexReader(database);
      const evidence = await loadEvidenceKey(disk, config.stateDir);
      const identity = await IdentityFile.load(disk, config.stateDir);
      // Keys that cannot be used are to be known at the start, not when the link is opened.
      if (identity.identity) await loadAccessKeys(disk, config.stateDir, identity.identity.enrolment);
      const agent = new Agent(
        { ...given, disk },
        { owned, journal, reader, writer, evidence, identity, damaged: damaged.signal },
      );
      await agent.#begin();
      return agent;
    } catch (thrown) {
      await owned[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Where its metrics are read, if anywhere. */
  get metricsUrl(): string | undefined {
    return this.#metrics?.url;
  }

  /** Stops in path order: recording first, so that the last segments are closed and told. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.#owned[Symbol.asyncDispose]();
  }

  /**
   * Reads the configuration again and takes up what can change while the agent runs. A lens that is to be recorded as it
   * is already records on. With an error in the configuration everything stays as it is.
   *
   * @throws CONFIG_*, FFMPEG_MISSING, SECRET_EXPOSED, STORAGE_WRITE_FAILED, DATABASE_*
   */
  reload(): Promise<Reloaded> {
    return this.#reloading.run(async () => {
      const plan = planReload(this.#config, await this.#options.readConfig());
      this.#stop.signal.throwIfAborted();
      const { config, changed, needsRestart } = plan;
      this.#config = config;
      this.#options.setLogLevel(config.log.level);
      this.#storage.limitsChanged();
      this.#uploadLimit.set(config.upload.maxRate);
      const tell = async (): Promise<void> => this.#connection?.sendStatus();
      const lenses = await this.#recorders.follow(lensSettingsOf(config), tell);
      await this.#adopted.follow(adoptSettingsOf(config));
      await tell();
      this.#options.log.info({ changed, needsRestart, ...lenses }, 'configuration reloaded');
      this.onReloaded(config);
      return { changed, needsRestart, ...lenses };
    });
  }

  async #begin(): Promise<void> {
    const config = this.#config;
    const { clock } = this.#options;
    await catchUp({ reader: this.#reader, journal: this.#journal });
    await this.#storage.begin();
    await this.#protections.begin();
    const recovered = await recover(
      this.#recoveryPort(),
      lensesOf(config).map(({ lens }) => lens),
    );
    this.#recorders.prepare(lensSettingsOf(config), recovered);
    await this.#adopted.follow(adoptSettingsOf(config));
    if (config.metrics.listen) this.#metrics = await this.#serveMetrics(config.metrics.listen);
    const uploads = this.#owned.use(this.#makeUploads());
    await uploads.begin();
    this.#owned.use(await ControlServer.start(this.#controlPort(uploads), controlPath(config.stateDir)));
    this.#running.push(
      this.#run(),
      this.#storage.run(this.#stop.signal),
      this.#protections.run(this.#stop.signal),
      every(clock, JOURNAL_SYNC_MS, this.#stop.signal, () => this.#settleJournal()),
    );
  }

  #recoveryPort(): RecoveryPort {
    const { clock, step, disk, log, bootId } = this.#options;
    const storageDir = storageDirOf(this.#config);
    const segments = { disk, clock, index: this.#writer, storageDir, evidence: this.#evidence, step };
    return { ...segments, bootId, reader: this.#reader, log: log.child({ stage: 'recover' }) };
  }

  #makeRecorders(): Recorders {
    const { clock, bootId, random, startProcess } = this.#options;
    return new Recorders({
      ...{ ...this.#recoveryPort(), log: this.#options.log },
      ...{ vehicle: vehicleOf(this.#config), random, start: startProcess ?? startFfmpeg },
      gate: (lens) => this.#gateOf(lens),
      wall: () => ({ trusted: clock.nowMs() >= PLAUSIBLE_FROM_MS, bootId }),
      live: (lens, descriptor, bytes) => {
        if ((this.#config.lenses[lens]?.live ?? 'push') === 'push')
          this.#connection?.offerLive(descriptor, bytes);
      },
    });
  }

  #makeAdopted(): AdoptedLenses {
    const { random, log } = this.#options;
    return new AdoptedLenses({
      port: { ...this.#recoveryPort(), vehicle: vehicleOf(this.#config), random },
      ...{ watch: watchDirectory, log },
      bury: (segments) => this.#storage.buryAll(segments, 'evicted'),
    });
  }

  get #lenses() {
    return [...this.#recorders.all, ...this.#adopted.all];
  }

  #gateOf(lens: LensName): RecordingGate {
    const gate = this.#lensGates.get(lens) ?? new RecordingGate(this.#gate);
    this.#lensGates.set(lens, gate);
    return gate;
  }

  #storageKeeper(): StorageKeeper {
    const { clock, disk, step, log } = this.#options;
    const storageDir = storageDirOf(this.#config);
    return new StorageKeeper({
      ...{ disk, clock, storageDir, step, log: log.child({ stage: 'retain' }) },
      reader: this.#reader,
      index: this.#writer,
      journal: this.#journal,
      limits: () => limitsOf(this.#config),
      lensLimits: () => lensLimitsOf(this.#config),
      freeBytes: freeSpaceOf(storageDir),
      openBytes: (lens) =>
        this.#recorders.all
          .filter(({ status }) => lens === undefined || status.lens === lens)
          .reduce((sum, { openBytes }) => sum + openBytes, 0),
      isInUse: (segment) => this.#clipUse.isHeld(segment) || (this.#connection?.isSending(segment) ?? false),
      gate: (lens) => (lens === undefined ? this.#gate : this.#gateOf(lens).own),
      toldSeq: () => this.#connection?.toldSeq ?? Number.POSITIVE_INFINITY,
    });
  }

  #makeProtections(): Protections {
    const { clock, disk, step, log } = this.#options;
    return new Protections({
      ...{ disk, clock, step, log: log.child({ stage: 'protect' }) },
      storageDir: storageDirOf(this.#config),
      reader: this.#reader,
      index: this.#writer,
      roomBytes: () => this.#storage.roomBytes(),
      maxRatio: () => this.#config.storage.maxProtected,
    });
  }

  #makeUploads(): Uploads {
    const { clock, random, step, log } = this.#options;
    const { stateDir } = this.#config;
    const storageDir = storageDirOf(this.#config);
    return new Uploads({
      ...{ clock, random, step, log: log.child({ stage: 'deliver' }), stateDir },
      ...{ localAddresses: systemLocalAddresses, sharedLimit: this.#uploadLimit },
      sources: {
        ...{ vehicle: vehicleOf(this.#config), reader: this.#reader, storageDir },
        clip: this.#questionPorts().clip,
        roots: () => [storageDir, ...this.#config.upload.roots],
        onCorrupt: (segment) => this.#bury(segment),
      },
    });
  }

  #controlPort(uploads: Uploads): ControlPort {
    const { version, clock, log } = this.#options;
    return {
      ...{ version, clock, log: log.child({ stage: 'control' }), uploads, protections: this.#protections },
      ...this.#questionPorts(),
      snapshot: this.#snapshotPort(),
      remove: (input) => this.#storage.remove(input),
      reload: () => this.reload(),
      status: () => this.#status(),
    };
  }

  #questionPorts(): Pick<ControlPort, 'segments' | 'clip'> {
    const { clock, log } = this.#options;
    const lensNow: ControlPort['segments']['lensNow'] = (lens) =>
      (this.#recorders.of(lens) ?? this.#adopted.of(lens))?.now;
    const segments = { reader: this.#reader, lensNow, nowMs: () => clock.nowMs() };
    const clip: ControlPort['clip'] = {
      ...{ reader: this.#reader, lensNow, use: this.#clipUse, storageDir: storageDirOf(this.#config) },
      whyMissing: (lens, range) => whyMissing(segments, lens, range),
      onDamaged: (segment, err) => log.error({ stage: 'clip', err, ...segment }, 'segment could not be read'),
    };
    return { segments, clip };
  }

  /** Puts away a segment whose file was found damaged while it was read. */
  #bury(segment: Parameters<StorageKeeper['bury']>[0]): void {
    this.#storage
      .bury(segment, 'corrupt')
      .catch((thrown: unknown) =>
        this.#options.log.error({ err: toAppError(thrown) }, 'damaged file could not be put away'),
      );
  }

  #snapshotPort(): SnapshotPort {
    return {
      vehicle: vehicleOf(this.#config),
      reader: this.#reader,
      storageDir: storageDirOf(this.#config),
      lensNow: (lens) => {
        const recorder = this.#recorders.of(lens);
        const open = recorder?.now.open;
        if (!recorder) return this.#adopted.of(lens) && {};
        return { open: open && { ...open, fragments: recorder.openFragments } };
      },
      hold: (segments) => this.#clipUse.hold(segments),
      decoders: this.#decoders,
    };
  }

  /** Without metrics the agent records all the same. */
  async #serveMetrics(address: ListenAddress): Promise<MetricsServer | undefined> {
    const log = this.#options.log.child({ stage: 'metrics' });
    const { version } = this.#options;
    try {
      const port = { version, log, status: () => this.#status() };
      return this.#owned.use(await MetricsServer.start(port, address));
    } catch (thrown) {
      log.error({ err: toAppError(thrown) }, 'metrics cannot be read');
      return undefined;
    }
  }

  #status(): Promise<AgentFacts> {
    const config = this.#config;
    const live = lensesOf(config).filter((one) => one.live === 'push');
    const dir = storageDirOf(config);
    return agentFacts({
      ...{ vehicle: vehicleOf(config), version: this.#options.version, startedMs: this.#startedMs },
      live: new Set(live.map(({ lens }) => lens)),
      disk: { dir, usedBytes: this.#reader.segments.totalBytes(), ...limitsOf(config) },
      freeBytes: freeSpaceOf(dir),
      recorders: { all: this.#lenses, runEnds: (lens) => this.#recorders.runEnds(lens) },
      ...{ storage: this.#storage, protections: this.#protections },
      link: this.#connection?.linkState,
      catalogue: { changeSeq: this.#reader.changeSeq, toldSeq: this.#connection?.toldSeq },
      transfers: this.#connection?.transfers ?? [],
    });
  }

  /** Undefined for a vehicle that only records. */
  #makeConnection(): Connection | undefined {
    const { version, bootId, disk, clock, random, log, step } = this.#options;
    const { central } = this.#config;
    if (!central) return undefined;
    return new Connection({
      config: () => this.#config,
      ...{ central, identity: this.#identity, version, bootId, disk, clock, random, log, step },
      reader: this.#reader,
      writer: this.#writer,
      recorders: () => this.#lenses,
      overwriteEtas: () => this.#storage.overwriteEtas(),
      freeBytes: freeSpaceOf(storageDirOf(this.#config)),
      ...{ bury: (segment) => this.#bury(segment), uploadLimit: this.#uploadLimit },
      operations: new Operations({
        protections: this.#protections,
        remove: (input) => this.#storage.remove(input),
      }),
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
    const recording = Promise.all([
      this.#recorders.run(this.#stop.signal),
      this.#adopted.run(this.#stop.signal),
    ]);
    const linkStop = new AbortController();
    const linking = this.#connection
      ?.run(linkStop.signal)
      .catch((thrown: unknown) => log.error({ err: toAppError(thrown) }, 'link ended'));
    await recording;
    await this.#writer.noteStop(clock.nowMs());
    await this.#settleJournal();
    await this.#connection?.sendStatus();
    linkStop.abort();
    await linking;
  }
}
