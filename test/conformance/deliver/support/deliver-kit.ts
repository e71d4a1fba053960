import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemLocalAddresses } from '@gapless/edge-agent/local-addresses';
import { Disposal, noSteps, systemRandom } from '@gapless/shared/lifecycle';
import { createLog } from '@gapless/shared/log';
import type { SshKeyPair } from '@gapless/shared/ssh';
import { generateSshKey } from '@gapless/shared/ssh';
import { systemClock } from '@gapless/shared/time';
import { SegmentUse } from '../../../../packages/edge-agent/src/clip/index.js';
import type {
  ItemStatus,
  Source,
  UploadEvent,
  UploadPlan,
  UploadsPort,
  UploadStatus,
} from '../../../../packages/edge-agent/src/deliver/index.js';
import { Uploads } from '../../../../packages/edge-agent/src/deliver/index.js';
import { Place, Recordings, vehicle } from '../../../support/edge/recordings.js';
import { Sshd, sshdUser } from '../../../support/peers/openssh.js';
import { CuttingProxy } from '../../sftp/support/cutting-proxy.js';

/** An agent's uploads, an OpenSSH server somewhere, and a link between them that can be cut. */
export class DeliverKit implements AsyncDisposable {
  readonly recordings: Recordings;
  readonly use = new SegmentUse();
  readonly corrupt: unknown[] = [];
  readonly hostKey: SshKeyPair = generateSshKey(systemRandom, 'server');
  readonly userKey: SshKeyPair = generateSshKey(systemRandom, 'user');
  /** Called at each numbered step. */
  step: UploadsPort['step'] = noSteps;
  proxy!: CuttingProxy;
  #sshd: Sshd | undefined;
  #uploads: Uploads | undefined;
  readonly #owned = new Disposal();

  private constructor(readonly place: Place) {
    this.recordings = new Recordings(place);
  }

  static async create(settings: readonly string[] = []): Promise<DeliverKit> {
    const kit = new DeliverKit(await Place.make());
    kit.#owned.use(kit.place);
    kit.#owned.use(kit.recordings);
    await mkdir(kit.inbox);
    await mkdir(kit.outbox);
    await writeFile(kit.identityFile, kit.userKey.privateKey, { mode: 0o600 });
    kit.#owned.defer(() => kit.stopServer());
    kit.proxy = kit.#owned.use(await CuttingProxy.start(1));
    await kit.startServer(settings);
    kit.#owned.defer(() => kit.stop());
    await kit.start();
    return kit;
  }

  /** Where uploads arrive. */
  get inbox(): string {
    return join(this.place.root, 'inbox');
  }

  /** A directory from which files may be uploaded. */
  get outbox(): string {
    return join(this.place.root, 'outbox');
  }

  get identityFile(): string {
    return join(this.place.root, 'identity');
  }

  get uploads(): Uploads {
    if (!this.#uploads) throw new Error('the agent is stopped');
    return this.#uploads;
  }

  /** Starts the agent's part, as after a restart of the box. */
  async start(port: Partial<UploadsPort> = {}): Promise<void> {
    const { reader } = this.recordings;
    const { storageDir, stateDir } = this.place;
    const clip = {
      ...{ reader, storageDir, use: this.use, lensNow: () => undefined },
      whyMissing: () => [],
      onDamaged: () => undefined,
    };
    this.#uploads = new Uploads({
      ...{ stateDir, clock: systemClock, log: createLog('test', 'silent') },
      // No waiting before a dial or another try: the tests have many.
      random: { bytes: (count) => systemRandom.bytes(count), fraction: () => 0.01 },
      localAddresses: systemLocalAddresses,
      sharedLimit: undefined,
      step: (name) => this.step(name),
      sources: {
        ...{ vehicle, reader, storageDir, clip, roots: () => [storageDir, this.outbox] },
        onCorrupt: (segment) => this.corrupt.push(segment),
      },
      ...port,
    });
    await this.#uploads.begin();
  }

  async stop(): Promise<void> {
    const uploads = this.#uploads;
    this.#uploads = undefined;
    await uploads?.[Symbol.asyncDispose]();
  }

  async startServer(settings: readonly string[] = []): Promise<void> {
    const keys = { host: this.hostKey, client: this.userKey };
    this.#sshd = await Sshd.start(join(this.place.root, 'sshd'), keys, settings);
    this.proxy.retarget(this.#sshd.port);
  }

  /** Ends the server with all its connections. */
  async stopServer(): Promise<void> {
    await this.#sshd?.[Symbol.asyncDispose]();
    this.#sshd = undefined;
    this.proxy.retarget(1);
    this.proxy.reset();
  }

  /** Writes a file into the outbox; returns its path. */
  async file(name: string, bytes: Uint8Array): Promise<string> {
    const path = join(this.outbox, name);
    await writeFile(path, bytes);
    return path;
  }

  /** The address of a path below the inbox. */
  url(template: string): string {
    return `sftp://${sshdUser}@127.0.0.1:${this.proxy.port}${this.inbox}/${template}`;
  }

  plan(plan: Partial<UploadPlan> = {}): UploadPlan {
    return {
      url: this.url('{name}'),
      hostKeys: [this.hostKey.fingerprint],
      login: { identityFile: this.identityFile },
      overwrite: 'never',
      concurrency: 4,
      reduce: true,
      tokens: {},
      ...plan,
    };
  }

  /** Asks for an upload of files by their paths, or of other sources. */
  accept(sources: readonly (string | Source)[], plan: Partial<UploadPlan> = {}): Promise<string> {
    return this.uploads.accept({
      plan: this.plan(plan),
      sources: sources.map((source) =>
        typeof source === 'string' ? { kind: 'file', path: source } : source,
      ),
    });
  }

  /** How an upload ended. */
  ended(id: string): Promise<UploadStatus> {
    return this.until(id, (event) => event.type === 'upload' && event.endedMs !== undefined);
  }

  /** Resolves with how things stand once an event is what is waited for. */
  until(id: string, isIt: (event: UploadEvent) => boolean): Promise<UploadStatus> {
    const { uploads } = this;
    return new Promise((resolve) => {
      const items: ItemStatus[] = [];
      let found = false;
      const stop = uploads.watch(id, (event) => {
        if (found) return;
        if (event.type === 'item') items[event.seq] = event;
        if (!isIt(event)) return;
        found = true;
        queueMicrotask(() => {
          stop();
          resolve({ ...uploads.get(id), items });
        });
      });
    });
  }

  /** Uploads to the end. */
  async upload(sources: readonly (string | Source)[], plan: Partial<UploadPlan> = {}): Promise<UploadStatus> {
    return this.ended(await this.accept(sources, plan));
  }

  arrived(name: string): Promise<Buffer> {
    return readFile(join(this.inbox, name));
  }

  /** Names of what lies in the inbox. */
  async names(): Promise<string[]> {
    return (await readdir(this.inbox, { recursive: true })).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }
}
