import type { Clock } from '../time/index.js';
import { every } from './every.js';
import type { Notify } from './notify-process.js';

export interface ServiceManagerPort {
  /** As systemd set it: `NOTIFY_SOCKET`, and `WATCHDOG_USEC` when it wants signs of life. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly notify: Notify;
  /** Called when a message was not taken; the daemon goes on, and systemd may restart it. */
  readonly onTrouble: (why: string) => void;
}

/**
 * What a daemon tells the service manager that started it: that it is ready, that it lives, that it stops. Tells nothing
 * to nobody when it was started by hand.
 */
export class ServiceManager {
  readonly #port: ServiceManagerPort;

  constructor(port: ServiceManagerPort) {
    this.#port = port;
  }

  async ready(status: string): Promise<void> {
    await this.#tell(['READY=1', `STATUS=${status}`]);
  }

  /** What the daemon is busy with, for `systemctl status`. */
  async status(status: string): Promise<void> {
    await this.#tell([`STATUS=${status}`]);
  }

  async stopping(): Promise<void> {
    await this.#tell(['STOPPING=1']);
  }

  /**
   * Gives a sign of life at half the time that systemd waits for one, as sd_watchdog_enabled(3) recommends. It comes from
   * the event loop, so that a daemon that hangs gives none.
   */
  async keepAlive(signal: AbortSignal): Promise<void> {
    const { env, clock } = this.#port;
    const patienceUs = Number(env['WATCHDOG_USEC'] ?? 0);
    if (!env['NOTIFY_SOCKET'] || !(patienceUs > 0)) return;
    await every(clock, patienceUs / 2_000, signal, () => this.#tell(['WATCHDOG=1']));
  }

  async #tell(states: readonly string[]): Promise<void> {
    if (!this.#port.env['NOTIFY_SOCKET']) return;
    const refusal = await this.#port.notify(states);
    if (refusal !== undefined) this.#port.onTrouble(refusal);
  }
}
