import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { inspect } from 'node:util';
import { z } from 'zod';
import { AppError, assert, errnoOf } from '../errors/index.js';
import { isInside, readSecret } from '../fs/index.js';
import { unitRegistry } from './unit-registry.js';

/** Where a secret comes from. */
export type SecretSource =
  { readonly file: string } | { readonly env: string } | { readonly literal: string };

/** What secrets are read with. */
export interface SecretReader {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The directory that relative file names are meant in. */
  readonly directory: string;
}

const MASK = '***';

/**
 * A password or key from the configuration. It shows itself nowhere: not as text, not as JSON, not in a log and not in
 * a debugger's print; only {@link reveal} gives it away.
 */
export class Secret {
  readonly #source: SecretSource;
  #value: string | undefined;

  constructor(source: SecretSource) {
    this.#source = source;
    if ('literal' in source) this.#value = source.literal;
  }

  /** A sentence where the secret stands in the configuration itself, which is read by more eyes than a secret should. */
  get warning(): string | undefined {
    return 'literal' in this.#source
      ? 'The secret stands in the configuration file itself. Use { file: PATH } or { env: NAME } instead.'
      : undefined;
  }

  /**
   * Fetches the value; done once when the configuration is loaded, so that a missing secret is a configuration error.
   *
   * @throws AppError `CONFIG_INVALID` when there is none, `SECRET_EXPOSED` when others can read the file
   */
  async load(reader: SecretReader): Promise<void> {
    const source = this.#source;
    if ('env' in source) this.#value = fromEnvironment(source.env, reader.environment);
    else if ('file' in source) this.#value = await fromFile(source.file, reader);
  }

  /** The secret itself, for the one place that needs it. */
  reveal(): string {
    assert(this.#value !== undefined, 'a secret was used before the configuration was loaded');
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

/** A secret: `{ file: PATH }`, `{ env: NAME }`, or the text itself, which brings a warning. */
export function secret(): z.ZodType<Secret, { file: string } | { env: string } | string> {
  const schema = z
    .union(
      [
        z.strictObject({
          file: z.string().min(1).describe('File that holds the secret, readable by its owner alone.'),
        }),
        z.strictObject({ env: z.string().min(1).describe('Environment variable that holds the secret.') }),
        z.string().min(1),
      ],
      { error: 'Expected { file: PATH } or { env: NAME }.' },
    )
    .transform((source) => new Secret(typeof source === 'string' ? { literal: source } : source));
  unitRegistry.add(schema, {
    typeName: 'secret',
    examples: ['{ file: /etc/gapless/password }', '{ env: GAPLESS_PASSWORD }'],
    format: () => MASK,
  });
  return schema;
}

/** Every secret in a parsed configuration, with its path. */
export function secretsIn(
  value: unknown,
  path: readonly PropertyKey[] = [],
): { readonly path: readonly PropertyKey[]; readonly secret: Secret }[] {
  if (value instanceof Secret) return [{ path, secret: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => secretsIn(inner, [...path, key]));
}

function fromEnvironment(name: string, environment: SecretReader['environment']): string {
  const value = environment[name];
  if (value === undefined || value === '')
    throw new AppError('CONFIG_INVALID', `The environment variable ${name} is not set.`);
  return value;
}

async function fromFile(file: string, { directory, environment }: SecretReader): Promise<string> {
  const path = isAbsolute(file) ? file : join(directory, file);
  let text: string | undefined;
  try {
    text = await (isCredential(path, environment) ? readFile(path, 'utf8') : readSecret(path));
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    if (errnoOf(thrown) !== 'ENOENT')
      throw new AppError(
        'CONFIG_INVALID',
        `Cannot read the secret in ${path}: ${errnoOf(thrown) ?? 'unknown'}.`,
        {
          cause: thrown,
        },
      );
  }
  // Editors end a file with a newline; it is not part of the secret.
  const value = text?.replace(/\r?\n$/, '');
  if (value === undefined) throw new AppError('CONFIG_INVALID', `There is no file ${path}.`);
  if (value === '') throw new AppError('CONFIG_INVALID', `The file ${path} is empty.`);
  return value;
}

/**
 * systemd keeps credentials in a directory that only the service can enter, and lets it read them by an access list,
 * which the mode bits show as if the group could.
 */
function isCredential(path: string, environment: SecretReader['environment']): boolean {
  const directory = environment['CREDENTIALS_DIRECTORY'];
  return directory !== undefined && isInside(directory, path);
}
