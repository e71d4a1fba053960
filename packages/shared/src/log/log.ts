import type { DestinationStream, Logger } from 'pino';
import pino from 'pino';

export type Log = Logger;
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** Field names whose value is never written, at any depth up to three. */
const SECRET_FIELDS = [
  'password',
  'passphrase',
  'privateKey',
  'secret',
  'token',
  'claimCode',
  'authorization',
  'cookie',
  'signature',
];

/** User name and password inside a URL, as in `rtsp://admin:1234@10.0.0.11/main`. */
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi;

/** A secret among the parameters of a URL, as in `srt://10.0.0.11:9000?passphrase=…`. */
const URL_SECRETS = /([?&](?:passphrase|password|passwd|pass|pwd|token|key|secret|signature)=)[^\s&"']+/gi;

/** Takes credentials out of URLs in any text: log lines, messages of foreign programs, errors. */
export function redactUrls(text: string): string {
  return text.replace(URL_CREDENTIALS, '$1***@').replace(URL_SECRETS, '$1***');
}

/**
 * The root logger of a daemon: one JSON object a line. Messages are constant lower-case sentences, facts go into
 * fields; secrets are cut out on the way, both by field name and inside any URL.
 */
export function createLog(name: string, level: LogLevel, destination?: DestinationStream): Log {
  const options = optionsOf(name, level);
  return destination ? pino(options, destination) : pino(options);
}

function optionsOf(name: string, level: LogLevel): pino.LoggerOptions {
  return {
    name,
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '***' },
    serializers: { err: serializeError },
    hooks: { streamWrite: redactUrls },
  };
}

/** A root logger whose level can be changed, with that of all its children. */
export interface LeveledLog {
  readonly log: Log;
  readonly setLevel: (level: LogLevel) => void;
}

/** As {@link createLog}. Children of pino keep the level that they were made with, so what is too fine is left out here. */
export function createLeveledLog(name: string, level: LogLevel, destination?: DestinationStream): LeveledLog {
  let least = valueOf(level);
  const options: pino.LoggerOptions = {
    ...optionsOf(name, 'trace'),
    hooks: {
      streamWrite: redactUrls,
      logMethod(given, method, at) {
        if (at >= least) method.apply(this, given);
      },
    },
  };
  const log = destination ? pino(options, destination) : pino(options);
  return { log, setLevel: (wanted) => void (least = valueOf(wanted)) };
}

function valueOf(level: LogLevel): number {
  return level === 'silent' ? Number.POSITIVE_INFINITY : pino.levels.values[level]!;
}

/** An error with its code, kind, hint and causes; the stack only of faults nobody expected. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, kind, hint, details } = error as Error &
    Record<'code' | 'kind' | 'hint' | 'details', unknown>;
  const expected = kind !== undefined && kind !== 'internal';
  return {
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(kind === undefined ? {} : { kind }),
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
    ...(expected ? {} : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  };
}
