import type { AppError } from '@gapless/shared/errors';
import { quote } from '@gapless/shared/ids';
import type { Log } from '@gapless/shared/log';
import { Flood } from '@gapless/shared/log';
import type { Clock } from '@gapless/shared/time';

const INTERVAL_MS = 60_000;

/** Writes to the log what was refused, without letting whoever asks flood it. */
export class Refusals {
  readonly #log: Log;
  readonly #flood: Flood;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#flood = new Flood(clock, INTERVAL_MS);
  }

  /** A stranger, or a vehicle with the wrong key. */
  login(facts: { readonly user: string; readonly address: string }): void {
    // The key of the flood must not come from outside: strangers can make up any number of names.
    this.#flood.report('login', (silent) =>
      this.#log.warn({ user: quote(facts.user), address: facts.address, silent }, 'sftp login refused'),
    );
  }

  /** A connection that came when there were too many already. */
  connection(facts: { readonly address: string; readonly reason: string }): void {
    this.#flood.report(`connection ${facts.reason}`, (silent) =>
      this.#log.warn({ ...facts, silent }, 'sftp connection refused'),
    );
  }

  /** A request of a vehicle that is in. `verb` is one of the protocol's, never text from outside. */
  request(user: string, verb: string, subject: string, error: AppError): void {
    this.#flood.report(`${user} ${verb} ${error.code}`, (silent) =>
      this.#log.warn(
        { vehicle: user, verb, subject: quote(subject), code: error.code, reason: error.message, silent },
        'sftp request refused',
      ),
    );
  }
}
