import type { Socket } from 'node:net';
import type { Pass } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { Clock, DurationMs, Timer } from '@gapless/shared/time';
import type { SftpAccess, SftpEvents } from './access.js';
import type { PartialFiles } from './partial-files.js';
import type { SharedPressure } from './pressure-gauge.js';
import { PressureGauge } from './pressure-gauge.js';
import type { PressureLimits } from './pressure-policy.js';
import type { Refusals } from './refusals.js';
import type { HostKey } from './ssh-server.js';
import { serveSsh } from './ssh-server.js';
import type { SftpChannelOptions } from './ssh-sftp.js';
import { UploadSession } from './upload-session.js';
import type { VehicleSessions } from './vehicle-sessions.js';

export interface ServedConnectionOptions {
  readonly socket: Socket;
  readonly pass: Pass;
  readonly address: string;
  readonly hostKey: HostKey;
  readonly handshakeMs: DurationMs;
  readonly limits: PressureLimits;
  readonly pressure: SharedPressure;
  readonly files: PartialFiles;
  readonly vehicles: VehicleSessions;
  readonly refusals: Refusals;
  readonly access: SftpAccess;
  readonly events: SftpEvents;
  readonly clock: Clock;
  readonly log: Log;
}

/** One client from accept to close: its place in the counts, its time limit, its sessions. */
export class ServedConnection {
  readonly #options: ServedConnectionOptions;
  readonly #gauge: PressureGauge;
  readonly #sessions = new Set<UploadSession>();
  readonly #deadline: Timer;
  #user: string | undefined;
  /** Resolves when the connection is closed and its files are let go. */
  readonly ended: Promise<void>;

  constructor(options: ServedConnectionOptions) {
    const { socket, limits, pressure } = options;
    this.#options = options;
    this.#gauge = new PressureGauge(pressure, limits, socket);
    this.#deadline = options.clock.schedule(options.handshakeMs, () => socket.destroy());
    this.ended = new Promise<void>((resolve) => socket.once('close', resolve)).then(() => this.#closed());
    serveSsh(socket, options.hostKey, {
      isAuthorised: (user, key) => options.access.isAuthorised(user, key),
      onLoginRefused: (user) => options.refusals.login({ user, address: options.address }),
      onLogin: (user) => this.#login(user),
      onSftp: (user) => this.#openChannel(user),
    });
  }

  /** Ends the connection; what has arrived in order is still written. */
  end(): Promise<void> {
    this.#options.socket.destroy();
    return this.ended;
  }

  #login(user: string): void {
    const { pass, vehicles, refusals, address, log } = this.#options;
    if (!pass.promote()) {
      refusals.connection({ address, reason: 'too many sessions' });
      void this.end();
      return;
    }
    this.#user = user;
    vehicles.add(user, this);
    log.debug({ vehicle: user, address }, 'sftp session begins');
  }

  #openChannel(user: string): SftpChannelOptions {
    const { access, events, files, refusals, socket } = this.#options;
    this.#deadline[Symbol.dispose]();
    const session = new UploadSession({ user, access, events, files });
    this.#sessions.add(session);
    return {
      session,
      socket,
      refusals,
      gauge: this.#gauge,
      disconnect: () => socket.destroy(),
      onEnd: () => void session.end().then(() => this.#sessions.delete(session)),
    };
  }

  async #closed(): Promise<void> {
    const { pass, vehicles, log, address } = this.#options;
    this.#deadline[Symbol.dispose]();
    pass.leave();
    if (this.#user !== undefined) {
      vehicles.remove(this.#user, this);
      log.debug({ vehicle: this.#user, address }, 'sftp session ended');
    }
    await Promise.all([...this.#sessions].map((session) => session.end()));
  }
}
