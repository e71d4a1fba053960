import type { ErrorCode } from '@gapless/shared/errors';
import { AppError, errorCatalogue } from '@gapless/shared/errors';
import type { Random, VehicleId } from '@gapless/shared/ids';
import { newSortableId } from '@gapless/shared/ids';
import type { AnswerMessage, OperationInput, OperationName, OperationOutput } from '@gapless/shared/protocol';
import { operations } from '@gapless/shared/protocol';
import type { Clock, DurationMs } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import type { AgentSession } from './agent-session.js';

type Session = Pick<AgentSession, 'send' | 'signal'>;

export interface VehicleAskerPort {
  readonly clock: Clock;
  readonly random: Random;
  /** The session with a vehicle, if it is connected. */
  readonly session: (vehicle: VehicleId) => Session | undefined;
}

interface Pending {
  readonly session: Session;
  readonly resolve: (answer: AnswerMessage) => void;
}

/** A vehicle looks into its index and syncs a file; a slow link takes most of this. */
const TIMEOUT_MS: DurationMs = 20 * SECOND_MS;

/** Asks connected vehicles for operations, and waits for their answers. */
export class VehicleAsker {
  readonly #port: VehicleAskerPort;
  readonly #pending = new Map<string, Pending>();

  constructor(port: VehicleAskerPort) {
    this.#port = port;
  }

  /**
   * Asks for an operation. After a timeout or a lost link nobody knows whether it was done; all operations can be asked
   * for again.
   *
   * @throws VEHICLE_OFFLINE, VEHICLE_SILENT, LINK_LOST, LINK_MESSAGE_INVALID, and what the vehicle answers with
   */
  async ask<Name extends OperationName>(
    vehicle: VehicleId,
    operation: Name,
    input: OperationInput<Name>,
  ): Promise<OperationOutput<Name>> {
    const session = this.#port.session(vehicle);
    if (!session)
      throw new AppError('VEHICLE_OFFLINE', `${vehicle} is not connected`, {
        hint: 'Ask again once it is.',
      });
    const { output, error } = await this.#exchange(vehicle, session, { operation, input });
    if (error) throw asThrown(error);
    const parsed = operations[operation].output.safeParse(output);
    if (parsed.success) return parsed.data as OperationOutput<Name>;
    throw new AppError('LINK_MESSAGE_INVALID', `${vehicle} gave an answer to ${operation} that is none`);
  }

  /** Takes in an answer; one that nobody waits for any more, or from another vehicle than was asked, goes nowhere. */
  answered(session: Session, answer: AnswerMessage): void {
    const pending = this.#pending.get(answer.id);
    if (pending?.session === session) pending.resolve(answer);
  }

  async #exchange(vehicle: VehicleId, session: Session, question: object): Promise<AnswerMessage> {
    const { clock, random } = this.#port;
    const id = newSortableId('ask', clock.nowMs(), random);
    const done = new AbortController();
    try {
      return await new Promise<AnswerMessage>((resolve, reject) => {
        this.#pending.set(id, { session, resolve });
        const timer = clock.schedule(TIMEOUT_MS, () =>
          reject(
            new AppError('VEHICLE_SILENT', `${vehicle} gave no answer within ${TIMEOUT_MS / SECOND_MS} s`),
          ),
        );
        done.signal.addEventListener('abort', () => timer[Symbol.dispose]());
        const lost = (): void =>
          reject(new AppError('LINK_LOST', `the link to ${vehicle} ended before it answered`));
        if (session.signal.aborted) lost();
        session.signal.addEventListener('abort', lost, { signal: done.signal });
        session.send({ type: 'ask', id, ...question });
      });
    } finally {
      this.#pending.delete(id);
      done.abort();
    }
  }
}

/** What went wrong at the vehicle; a code of a newer one that is not known here is told by its message. */
function asThrown({ code, message, hint }: NonNullable<AnswerMessage['error']>): AppError {
  const known: ErrorCode = code in errorCatalogue ? (code as ErrorCode) : 'VEHICLE_REFUSED';
  return new AppError(known, message, hint === undefined ? {} : { hint });
}
