import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { AppError, errnoOf, toAppError } from '../errors/index.js';
import type { Frozen } from './freeze.js';
import { deepFreeze } from './freeze.js';
import type { ConfigOverride } from './overrides.js';
import { applyOverrides } from './overrides.js';
import type { ConfigProblem } from './problem.js';
import { configInvalid } from './problem.js';
import { secretsIn } from './secret.js';
import { validate } from './validate.js';
import { MAX_CONFIG_BYTES } from './yaml-bounds.js';
import type { YamlSource } from './yaml-source.js';
import { dotted, readYaml } from './yaml-source.js';

export interface LoadConfigOptions<Output> {
  readonly schema: z.ZodType<Output>;
  /** The file; without one the configuration consists of defaults and overrides. */
  readonly path?: string | undefined;
  /** What flags and environment variables put over the file, later ones over earlier ones. */
  readonly overrides?: readonly ConfigOverride[];
  /** Where `{ env: NAME }` looks. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads, checks and freezes a daemon's configuration, its secrets included.
 *
 * @throws AppError `CONFIG_UNREADABLE` when the file cannot be read; `CONFIG_INVALID` with every problem that it has,
 *   each with line, column, key and remedy
 */
export async function loadConfig<Output>(options: LoadConfigOptions<Output>): Promise<Frozen<Output>> {
  const { path, environment = {} } = options;
  const text = path === undefined ? '' : await readConfigFile(path);
  const { value, locate } = parse(text, options);
  const directory = dirname(path ?? '');
  const problems: ConfigProblem[] = [];
  for (const { path: key, secret } of secretsIn(value)) {
    try {
      await secret.load({ environment, directory });
    } catch (thrown) {
      const { message, hint } = toAppError(thrown);
      problems.push(locate(key, 'value', hint === undefined ? message : `${message}. ${hint}`));
    }
  }
  if (problems.length > 0) throw configInvalid(path ?? NO_FILE, problems);
  return deepFreeze(value);
}

/** {@link loadConfig} for a text that is at hand; its secrets are not fetched. Pure. */
export function parseConfig<Output>(text: string, options: LoadConfigOptions<Output>): Frozen<Output> {
  return deepFreeze(parse(text, options).value);
}

/** What is worth saying about a sound configuration: secrets that stand in it in the open. */
export function configWarnings(config: unknown): { readonly path: string; readonly warning: string }[] {
  return secretsIn(config).flatMap(({ path, secret: { warning } }) =>
    warning === undefined ? [] : [{ path: dotted(path), warning }],
  );
}

const NO_FILE = 'the configuration';

type Locate = YamlSource['problemAt'];

function parse<Output>(text: string, options: LoadConfigOptions<Output>): { value: Output; locate: Locate } {
  const { schema, path, overrides = [] } = options;
  const source = readYaml(text, path ?? NO_FILE);
  if (source.problems.length > 0) throw configInvalid(path ?? NO_FILE, source.problems);
  const locate = locator(source, path, overrides);
  const result = validate(schema, applyOverrides(schema, source.value, overrides));
  if ('value' in result) return { value: result.value, locate };
  throw configInvalid(
    path ?? NO_FILE,
    result.problems.map((problem) => locate(problem.path, problem.part, problem.message)),
  );
}

/** Finds where a problem stands: in what a flag or a variable said, else in the file, else nowhere. */
function locator(source: YamlSource, path: string | undefined, overrides: readonly ConfigOverride[]): Locate {
  return (keys, part, message) => {
    const key = dotted(keys);
    const override = overrides.findLast((one) => key === one.path || key.startsWith(`${one.path}.`));
    if (override)
      return { place: override.origin, path: key, excerpt: String(override.value), column: 1, message };
    return path === undefined
      ? { place: NO_FILE, path: key, message }
      : source.problemAt(keys, part, message);
  };
}

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'Create it, or name another with --config.',
  ENOTDIR: 'Create it, or name another with --config.',
  EACCES: 'Let the user that runs the program read it.',
  EISDIR: 'Name a file in it with --config.',
};

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'the program may not read it',
  EISDIR: 'it is a directory',
};

async function readConfigFile(path: string): Promise<string> {
  const bytes = await readBounded(path);
  if (bytes.length > MAX_CONFIG_BYTES)
    throw new AppError('CONFIG_UNREADABLE', `${path} is larger than 1 MiB`, {
      hint: 'Name a configuration file with --config.',
    });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('CONFIG_UNREADABLE', `${path} is not UTF-8 text`, {
      cause,
      hint: 'Save it as UTF-8.',
    });
  }
}

/** At most one byte more than is allowed: a size from `stat` would not bound a pipe or a file that grows. */
async function readBounded(path: string): Promise<Uint8Array> {
  try {
    const handle = await open(path, 'r');
    try {
      const bytes = Buffer.alloc(MAX_CONFIG_BYTES + 1);
      let length = 0;
      while (length < bytes.length) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return bytes.subarray(0, length);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const errno = errnoOf(cause) ?? '';
    const hint = HINTS[errno];
    throw new AppError('CONFIG_UNREADABLE', `cannot read ${path}: ${REASONS[errno] ?? errno}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
