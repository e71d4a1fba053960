import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { AppError, errnoOf } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { GateLimits } from '@gapless/shared/lifecycle';
import { ConnectionGate } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { Clock, DurationMs } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import type { SftpAccess, SftpEvents } from './access.js';
import { PartialFiles } from './partial-files.js';
import type { SharedPressure } from './pressure-gauge.js';
import type { PressureLimits } from './pressure-policy.js';
import { DEFAULT_PRESSURE } from './pressure-policy.js';
import { Refusals } from './refusals.js';
import { ServedConnection } from './served-connection.js';
import type { HostKey } from './ssh-server.js';
import { parseHostKey } from './ssh-server.js';
import { VehicleSessions } from './vehicle-sessions.js';

export interface SftpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Ed25519 private keys in OpenSSH's notation. The first is shown to clients; tickets name all of them. */
  readonly hostKeys: readonly [string, ...string[]];
  readonly access: SftpAccess;
  readonly events: SftpEvents;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a connection may take from TCP to an open SFTP channel. */
  readonly handshakeMs?: DurationMs;
  /** Sessions of one vehicle; one more ends the oldest, which is most likely dead already. */
  readonly sessionsPerVehicle?: number;
  readonly gate?: GateLimits;
  readonly pressure?: PressureLimits;
}

const DEFAULT_HANDSHAKE_MS = 10 * SECOND_MS;
const DEFAULT_SESSIONS_PER_VEHICLE = 8;
/** A depot full of vehicles may share one address. */
const DEFAULT_GATE: GateLimits = { unauthenticated: 256, unauthenticatedPerAddress: 64, sessions: 4096 };

/**
 * The SFTP server inside central: vehicles write what they have tickets for, and nothing else can be done with it.
 * Owns its socket, its sessions and the partial files while they are written.
 */
export class SftpServer implements AsyncDisposable {
  readonly #options: SftpServerOptions;
  readonly #server: Server;
  readonly #files: PartialFiles;
  readonly #gate: ConnectionGate;
  readonly #refusals: Refusals;
  readonly #connections = new Set<ServedConnection>();
  readonly #vehicles: VehicleSessions;
  readonly #pressure: SharedPressure = { totalBytes: 0 };
  #hostKeys: readonly HostKey[];

  private constructor(options: SftpServerOptions) {
    this.#options = options;
    this.#hostKeys = options.hostKeys.map(parseHostKey);
    this.#files = new PartialFiles(options.disk, options.events);
    this.#gate = new ConnectionGate(options.gate ?? DEFAULT_GATE);
    this.#refusals = new Refusals(options.log, options.clock);
    this.#vehicles = new VehicleSessions(options.sessionsPerVehicle ?? DEFAULT_SESSIONS_PER_VEHICLE);
    // Nagle's algorithm holds back the small replies: 33 MB/s in place of 400.
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  /**
   * Begins to listen.
   *
   * @throws ADDRESS_IN_USE, SFTP_KEY_INVALID
   */
  static async start(options: SftpServerOptions): Promise<SftpServer> {
    const server = new SftpServer(options);
    await server.#listen();
    return server;
  }

  /** Where the server listens. */
  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /** Fingerprints of all host keys, for tickets: the one that is shown and those that will or may be. */
  get hostKeyFingerprints(): readonly string[] {
    return this.#hostKeys.map((key) => key.fingerprint);
  }

  /** What the unanswered requests of all sessions hold in memory. */
  get heldBytes(): number {
    return this.#pressure.totalBytes;
  }

  get sessionCount(): number {
    return this.#vehicles.count;
  }

  /**
   * Replaces the host keys for new connections. To rotate without losing anyone: add the new key behind the old, wait
   * until every ticket names both, put the new one first, and drop the old one when it is no longer shown.
   *
   * @throws SFTP_KEY_INVALID
   */
  useHostKeys(hostKeys: readonly [string, ...string[]]): void {
    this.#hostKeys = hostKeys.map(parseHostKey);
  }

  /** SHA-256 in lower-case hex of a file that was closed complete in this run, while nobody has it open again. */
  digestOf(file: string): string | undefined {
    return this.#files.find(file)?.sha256;
  }

  /**
   * Ends whoever writes `file`, drops what of theirs still waits, and forgets what is known of it. Resolves when nothing
   * touches the file any more. Withdraw the ticket first, then call this, then move, cut or remove the file.
   */
  release(file: string): Promise<void> {
    return this.#files.release(file);
  }

  /** Ends every session of a vehicle: its key was revoked. */
  disconnect(user: string): void {
    this.#vehicles.end(user);
  }

  /** Stops listening, ends all sessions and waits until no file is touched any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([...this.#connections].map((connection) => connection.end()));
    await closed;
    await this.#files.releaseAll();
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(error, host, port)));
      this.#server.listen({ host, port }, resolve);
    });
    this.#server.removeAllListeners('error');
    // EMFILE at accept(2): the connection is lost, those that are there go on.
    this.#server.on('error', (error) =>
      this.#options.log.warn({ err: error }, 'sftp server could not accept'),
    );
  }

  #serve(socket: Socket): void {
    const address = socket.remoteAddress ?? 'unknown';
    const pass = this.#gate.enter(address);
    if (typeof pass === 'string') {
      this.#refusals.connection({ address, reason: pass });
      socket.destroy();
      return;
    }
    const connection = new ServedConnection({
      socket,
      pass,
      address,
      hostKey: this.#hostKeys[0]!,
      handshakeMs: this.#options.handshakeMs ?? DEFAULT_HANDSHAKE_MS,
      limits: this.#options.pressure ?? DEFAULT_PRESSURE,
      pressure: this.#pressure,
      files: this.#files,
      vehicles: this.#vehicles,
      refusals: this.#refusals,
      access: this.#options.access,
      events: this.#options.events,
      clock: this.#options.clock,
      log: this.#options.log,
    });
    this.#connections.add(connection);
    void connection.ended.finally(() => this.#connections.delete(connection));
  }
}

function listenError(error: Error, host: string, port: number): AppError {
  if (errnoOf(error) !== 'EADDRINUSE')
    return new AppError('ARGUMENT_INVALID', `cannot listen on ${host}:${port}: ${error.message}`, {
      cause: error,
    });
  return new AppError('ADDRESS_IN_USE', `port ${port} for SFTP is taken by another program`, {
    cause: error,
    hint: 'Choose another SFTP port in the configuration, or stop the other program.',
  });
}
