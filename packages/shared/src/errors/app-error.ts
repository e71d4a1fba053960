import type { ErrorCode } from './catalogue.js';
import { errorCatalogue } from './catalogue.js';
import type { ErrorKind } from './kinds.js';

export interface AppErrorOptions {
  /** What a person can do about it, as one sentence. */
  readonly hint?: string;
  /** Facts for logs and problem replies. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** The foreign or lower error that this one translates. */
  readonly cause?: unknown;
}

/** The one error class of the product. The message is a sentence that names what was wrong and where. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.kind = errorCatalogue[code][0];
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** Any thrown value as an `AppError`; what nobody translated is a fault of the program. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new AppError('INTERNAL', message, { cause: thrown });
}

/** The reason to abort a signal with. */
export function cancelled(what: string): AppError {
  return new AppError('CANCELLED', what);
}

export function isCancelled(thrown: unknown): boolean {
  return thrown instanceof AppError && thrown.kind === 'cancelled';
}

/** Errno of a Node system error (`ENOENT`, `EADDRINUSE`), `undefined` for anything else. */
export function errnoOf(thrown: unknown): string | undefined {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** States what the programmer knows to be true; its failure is a fault of the program. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AppError('INTERNAL', `assertion failed: ${message}`);
}
