/** How a kind of error is treated by every policy: the one table that retry, HTTP, the link and the log read. */
interface Treatment {
  /** Whether doing the same again later can succeed. */
  readonly retryable: boolean;
  /** RFC 9110 status of the problem reply. */
  readonly httpStatus: number;
  /** RFC 6455 section 7.4.2: 4000 to 4999 are private use. */
  readonly closeCode: number;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  /** Exit code of the command lines; `docs/guide/commands.md` lists them. */
  readonly exitCode: 1 | 2 | 3 | 4;
}

/** What went wrong, by what a caller can do about it. */
export const errorKinds = {
  /** The caller sent something malformed or contradictory. */
  'invalid-input': { retryable: false, httpStatus: 400, closeCode: 4400, logLevel: 'info', exitCode: 2 },
  /** The thing named does not exist. */
  'not-found': { retryable: false, httpStatus: 404, closeCode: 4404, logLevel: 'info', exitCode: 4 },
  /** The thing is in a state that forbids this. */
  conflict: { retryable: false, httpStatus: 409, closeCode: 4409, logLevel: 'info', exitCode: 1 },
  /** The caller is not who it must be, or may not do this. */
  permission: { retryable: false, httpStatus: 403, closeCode: 4403, logLevel: 'warn', exitCode: 3 },
  /** A quota, a rate limit, a disk or a memory bound is reached. */
  exhausted: { retryable: true, httpStatus: 429, closeCode: 4429, logLevel: 'warn', exitCode: 1 },
  /** The other side, a device or a service is not there now. */
  unavailable: { retryable: true, httpStatus: 503, closeCode: 4503, logLevel: 'warn', exitCode: 1 },
  timeout: { retryable: true, httpStatus: 504, closeCode: 4504, logLevel: 'warn', exitCode: 1 },
  /** Someone asked for it to stop. */
  cancelled: { retryable: false, httpStatus: 499, closeCode: 4499, logLevel: 'info', exitCode: 1 },
  /** Bytes are not what was promised. Never retried as is and never deleted: quarantined and reported. */
  'data-loss': { retryable: false, httpStatus: 500, closeCode: 4500, logLevel: 'error', exitCode: 1 },
  /** Understood, but not something this version does. */
  unsupported: { retryable: false, httpStatus: 501, closeCode: 4501, logLevel: 'info', exitCode: 1 },
  /** A fault of the program itself. */
  internal: { retryable: false, httpStatus: 500, closeCode: 4500, logLevel: 'error', exitCode: 1 },
} as const satisfies Record<string, Treatment>;

export type ErrorKind = keyof typeof errorKinds;
