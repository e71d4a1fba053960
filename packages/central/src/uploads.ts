import { resolve } from 'node:path';
import { toAppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { VehicleId } from '@gapless/shared/ids';
import type { Log } from '@gapless/shared/log';
import type { Clock } from '@gapless/shared/time';
import type { CentralKeys } from './auth/index.js';
import { writeAuthorizedKeys } from './auth/index.js';
import type { CentralConfig } from './config.js';
import { Inbox, insideEndpoint, outsideEndpoint, outsidePrefix } from './receive/index.js';
import { SftpServer } from './sftp/index.js';
import type { DataLayout, Store } from './store/index.js';

export interface UploadsPort {
  readonly config: CentralConfig['sftp'];
  readonly store: Store;
  readonly layout: DataLayout;
  readonly keys: CentralKeys;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** An upload of that size was closed complete. */
  readonly onClosed: (sizeBytes: number) => void;
}

/** The part of central that uploads go to: its inbox, and the SFTP server inside central or one outside before it. */
export class Uploads implements AsyncDisposable {
  readonly inbox: Inbox;
  readonly #port: UploadsPort;
  #server: SftpServer | undefined;

  constructor(port: UploadsPort) {
    this.#port = port;
    const { external } = port.config;
    this.inbox = new Inbox({
      store: port.store.read,
      disk: port.disk,
      inboxDir: external ? resolve(external.inboxDir) : port.layout.inboxDir,
      pathPrefix: (vehicle) => (external ? outsidePrefix(external, vehicle) : ''),
      isShared: external !== undefined,
      server: () => this.#server,
    });
  }

  /** @throws ADDRESS_IN_USE, STORAGE_UNWRITABLE */
  async start(): Promise<void> {
    const { config, keys, disk, clock, log, store, onClosed } = this.#port;
    if (config.external) await this.#writeAuthorizedKeys();
    else {
      this.#server = await SftpServer.start({
        ...config.listen,
        hostKeys: keys.hostKeys,
        access: this.inbox,
        events: {
          onClosed: ({ sizeBytes }) => onClosed(sizeBytes),
          onFailed: ({ user, path }, error) =>
            log.error({ err: error, vehicle: user, path }, 'upload failed on disk'),
        },
        disk,
        clock,
        log,
      });
    }
    for (const { name } of store.read.vehicles.all()) await this.sweep(name);
  }

  /** `127.0.0.1:2022`, or the URL of the server outside. */
  get address(): string {
    const { external } = this.#port.config;
    return external ? external.url : `${this.#server!.address.host}:${this.#server!.address.port}`;
  }

  /** What is wrong with it, if anything. */
  get trouble(): string | undefined {
    return (this.#port.config.external ?? this.#server) ? undefined : 'not listening';
  }

  /** Fingerprints of the host keys that the server may show; the first is the one shown now. */
  hostKeys(): readonly string[] {
    const { external } = this.#port.config;
    return external ? [external.hostKey] : this.#server!.hostKeyFingerprints;
  }

  /** What a ticket says of the server. */
  endpoint(): ReturnType<typeof insideEndpoint> & { hostKeys: string[] } {
    const { external, advertise } = this.#port.config;
    const endpoint = external
      ? outsideEndpoint(external)
      : insideEndpoint(advertise, this.#server!.address.port);
    return { ...endpoint, hostKeys: [...this.hostKeys()] };
  }

  /** A vehicle's SFTP key counts no more, or another does. */
  keyChanged(vehicle: VehicleId): void {
    this.#server?.disconnect(vehicle);
    if (!this.#port.config.external) return;
    this.#writeAuthorizedKeys().catch((thrown: unknown) => {
      this.#port.log.error({ err: toAppError(thrown) }, 'sftp-authorized-keys could not be written');
    });
  }

  /** Removes what no transfer will go on with; what could not be removed is found by the next sweep. */
  async sweep(vehicle: VehicleId): Promise<void> {
    try {
      await this.inbox.sweep(vehicle);
    } catch (thrown) {
      this.#port.log.error({ err: toAppError(thrown), vehicle }, 'uploads could not be removed');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  #writeAuthorizedKeys(): Promise<void> {
    const { disk, store, layout } = this.#port;
    return writeAuthorizedKeys({ disk, store: store.read }, layout.dataDir);
  }
}
