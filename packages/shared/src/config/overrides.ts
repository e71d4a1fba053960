import { AppError } from '../errors/index.js';
import { quote } from '../ids/index.js';
import type { Schema } from './schema-shape.js';
import { alternatives, bare, children, definitionOf, knownKeys, schemasAt } from './schema-shape.js';

/** A value that a flag or an environment variable puts over the file. */
export interface ConfigOverride {
  /** Dotted key: `http.listen`. */
  readonly path: string;
  readonly value: string | number | boolean;
  /** What said it, for messages: `--http` or `GAPLESS_HTTP_LISTEN`. */
  readonly origin: string;
}

/**
 * A copy of `value` with the overrides laid over it, later ones over earlier ones. Texts become numbers or booleans
 * where the schema wants those; whether they fit is for the validation to say.
 *
 * @throws AppError `ARGUMENT_INVALID` for a path that the schema does not know
 */
export function applyOverrides(
  schema: Schema,
  value: unknown,
  overrides: readonly ConfigOverride[],
): unknown {
  return overrides.reduce<unknown>((under, { path, value: over, origin }) => {
    const keys = path.split('.');
    const [target] = schemasAt(schema, keys);
    if (!target) throw new AppError('ARGUMENT_INVALID', `${origin} sets ${quote(path)}, which is no key`);
    return withValue(under, keys, typeof over === 'string' ? asWanted(target, over) : over);
  }, value);
}

function withValue(under: unknown, [key, ...rest]: readonly string[], over: unknown): unknown {
  if (key === undefined) return over;
  const section = typeof under === 'object' && under !== null && !Array.isArray(under) ? under : {};
  const inner = Object.hasOwn(section, key) ? (section as Record<string, unknown>)[key] : undefined;
  return { ...section, [key]: withValue(inner, rest, over) };
}

function asWanted(schema: Schema, text: string): unknown {
  const { schema: inner, unit } = bare(schema);
  if (unit) return text;
  const { type, element } = definitionOf(inner);
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  if (type === 'number' && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (element) return text.split(',').map((item) => asWanted(element, item.trim()));
  return text;
}

/** The variable for a key: `storage.maxSize` is `GAPLESS_STORAGE_MAX_SIZE`. */
export function variableName(prefix: string, path: string): string {
  const words = path.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/[.-]/g, '_');
  return `${prefix}_${words.toUpperCase()}`;
}

/**
 * The overrides that the environment asks for: one variable for every key that is a single value and has a fixed name
 * (nothing below `lenses`). Variables with the prefix that are no keys are left alone, since others use it too.
 */
export function environmentOverrides(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
  prefix = 'GAPLESS',
): ConfigOverride[] {
  return valuePaths(schema).flatMap((path) => {
    const origin = variableName(prefix, path);
    const value = environment[origin];
    return value === undefined ? [] : [{ path, value, origin }];
  });
}

function valuePaths(schema: Schema, above = ''): string[] {
  const keys = knownKeys(schema);
  if (!keys) {
    const hasNames = alternatives(schema).some((one) => definitionOf(one).valueType !== undefined);
    return above === '' || hasNames ? [] : [above];
  }
  return keys.flatMap((key) => {
    const paths = children(schema, key).flatMap((child) =>
      valuePaths(child, above === '' ? key : `${above}.${key}`),
    );
    return [...new Set(paths)];
  });
}
