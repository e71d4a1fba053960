import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { AppError, errnoOf, toAppError } from '@gapless/shared/errors';
import { errorOfProblem } from '@gapless/shared/http';
import { controlPath } from '../control/index.js';

/** How long a command waits for the agent to begin its answer, if it does not say otherwise. */
const TIMEOUT_MS = 30_000;

/** What a question is asked with; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** A request that is more than a question. */
export interface Demand {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

type Asked = Omit<Demand, 'method'> & { readonly method: 'GET' | Demand['method'] };

/** Asks the agent that runs on this box, over its socket. */
export class ControlClient {
  readonly #stateDir: string;
  readonly #signal: AbortSignal;

  constructor(stateDir: string, signal: AbortSignal) {
    this.#stateDir = stateDir;
    this.#signal = signal;
  }

  /**
   * Asks for an answer in JSON.
   *
   * @throws AGENT_NOT_RUNNING, CONTROL_DENIED, and what the agent answers with
   */
  async get<T>(path: string, query: Query = {}): Promise<T> {
    return (await json(await this.open(path, query))) as T;
  }

  /** Asks for something to be done; throws as {@link get} does. */
  async send<T>(demand: Demand): Promise<T> {
    return (await json(await this.#ask(demand))) as T;
  }

  /** Asks for an answer that is read as it comes; throws as {@link get} does. */
  open(path: string, query: Query = {}): Promise<IncomingMessage> {
    return this.#ask({ method: 'GET', path, query });
  }

  async #ask(asked: Asked): Promise<IncomingMessage> {
    const reply = await this.#send(asked);
    const status = reply.statusCode ?? 0;
    if (status >= 200 && status < 300) return reply;
    throw errorOfProblem(await json(reply).catch(() => undefined), status);
  }

  #send({ method, path, query = {}, body, timeoutMs = TIMEOUT_MS }: Asked): Promise<IncomingMessage> {
    const words = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) if (value !== undefined) words.set(key, String(value));
    return new Promise((resolve, reject) => {
      const asked = request({
        socketPath: controlPath(this.#stateDir),
        method,
        path: `/v1/${path}?${words.toString()}`,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        signal: this.#signal,
        timeout: timeoutMs,
      });
      asked.once('response', resolve);
      asked.once('timeout', () =>
        asked.destroy(new AppError('AGENT_NOT_RUNNING', 'the agent does not answer')),
      );
      asked.once('error', (thrown) => reject(this.#translate(thrown)));
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  #translate(thrown: Error): AppError {
    if (this.#signal.aborted) return toAppError(this.#signal.reason);
    if (thrown instanceof AppError) return thrown;
    const errno = errnoOf(thrown);
    if (errno === 'EACCES' || errno === 'EPERM') {
      return new AppError('CONTROL_DENIED', `the agent's socket in ${this.#stateDir} is not yours to use`, {
        cause: thrown,
        hint: 'Ask as the user that the agent runs as, or as root: sudo gapless-edge …',
      });
    }
    return new AppError('AGENT_NOT_RUNNING', `no agent is running on ${this.#stateDir}`, {
      cause: thrown,
      hint: 'Start it: systemctl start gapless-edge. Another agent is named by its configuration: --config FILE.',
    });
  }
}
