import { AppError, toAppError } from '@gapless/shared/errors';
import { quote } from '@gapless/shared/ids';
import { RangeSet } from '@gapless/shared/interval';
import { Serial } from '@gapless/shared/lifecycle';
import type {
  AnswerMessage,
  AskMessage,
  ListInput,
  OperationInput,
  OperationName,
  OperationOutput,
  Protection,
  ProtectInput,
  RemoveInput,
  UnprotectInput,
} from '@gapless/shared/protocol';
import { isOperation, MAX_ITEMS, MAX_PINS, operations } from '@gapless/shared/protocol';
import type { ProtectionRecord } from '../index/rows.js';

interface Protected extends Pick<OperationOutput<'protections'>, 'protectedBytes' | 'maxBytes' | 'share'> {
  readonly pins: readonly ProtectionRecord[];
}

/** The operations themselves: the same that commands on the box ask for. */
export interface OperationsPort {
  readonly protections: {
    protect(input: ProtectInput): Promise<Protected>;
    unprotect(input: UnprotectInput): Promise<Protected>;
    list(input: ListInput): Promise<Protected>;
  };
  readonly remove: (input: RemoveInput) => Promise<{
    readonly removed: readonly { readonly startMs: number; readonly endMs: number }[];
    readonly removedBytes: number;
    readonly unreceipted: number;
  }>;
}

type Handlers = {
  readonly [Name in OperationName]: (input: OperationInput<Name>) => Promise<OperationOutput<Name>>;
};

/** Does what central asks for, one thing after another, and says what came of it. */
export class Operations {
  readonly #handlers: Handlers;
  readonly #serial = new Serial();

  constructor({ protections, remove }: OperationsPort) {
    this.#handlers = {
      protect: async (input) => shown(await protections.protect(input)),
      unprotect: async (input) => shown(await protections.unprotect(input)),
      protections: async (input) => shown(await protections.list(input)),
      remove: async (input) => {
        const { removed, removedBytes: bytes, unreceipted } = await remove(input);
        const ranges = [...RangeSet.from(removed)].slice(0, MAX_ITEMS);
        return { segments: removed.length, bytes, unreceipted, ranges };
      },
    };
  }

  /** Never rejects: what went wrong is the answer. */
  answer({ id, operation, input }: AskMessage): Promise<AnswerMessage> {
    return this.#serial.run(async () => {
      try {
        if (!isOperation(operation))
          throw new AppError('OPERATION_UNKNOWN', `this agent does not know ${quote(operation)}`, {
            hint: 'Bring the agent up to date.',
          });
        return { type: 'answer', id, output: await this.#run(operation, input) };
      } catch (thrown) {
        const { code, message, hint } = toAppError(thrown);
        const why = {
          code,
          message: asLabel(message),
          ...(hint === undefined ? {} : { hint: asLabel(hint) }),
        };
        return { type: 'answer', id, error: why };
      }
    });
  }

  #run<Name extends OperationName>(operation: Name, given: unknown): Promise<OperationOutput<Name>> {
    const parsed = operations[operation].input.safeParse(given);
    if (parsed.success) return this.#handlers[operation](parsed.data as OperationInput<Name>);
    const [issue] = parsed.error.issues;
    const where = issue?.path.map(String).join('.') ?? '';
    throw new AppError('ARGUMENT_INVALID', `${operation}: ${where}: ${issue?.message ?? 'invalid'}`);
  }
}

function shown({ pins, protectedBytes, maxBytes, share }: Protected): OperationOutput<'protections'> {
  return {
    pins: pins.slice(0, MAX_PINS).map(({ expiresMs, ...rest }): Protection => ({
      ...rest,
      ...(expiresMs === undefined ? {} : { expiresMs }),
    })),
    more: pins.length > MAX_PINS,
    ...{ protectedBytes, maxBytes, share },
  };
}

/** As the link takes text for people. */
function asLabel(text: string): string {
  // eslint-disable-next-line no-control-regex -- the very characters that must not get through
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 500);
}
