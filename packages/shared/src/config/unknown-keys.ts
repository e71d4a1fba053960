import { quote } from '../ids/index.js';
import { nearestName } from './nearest-name.js';
import type { Schema } from './schema-shape.js';
import { alternatives, children, definitionOf, knownKeys } from './schema-shape.js';

/** A problem of content, before anyone has looked up where it stands. */
export interface ContentProblem {
  readonly path: readonly PropertyKey[];
  /** Whether the key is wrong (or missing) or its value. */
  readonly part: 'key' | 'value';
  readonly message: string;
}

/** A key that no schema knows. */
export interface UnknownKey {
  readonly problem: ContentProblem;
  /** The full dotted path of the key that was probably meant. */
  readonly meant: string | undefined;
}

/**
 * Keys that no schema knows, anywhere in the value. Looked for here and not left to zod, so that an object schema that
 * forgot to be strict cannot swallow a slip.
 */
export function unknownKeys(
  schema: Schema,
  value: unknown,
  path: readonly PropertyKey[],
  root = schema,
): UnknownKey[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => nested(schema, item, [...path, index], root));
  if (typeof value !== 'object' || value === null) return [];
  const known = knownKeys(schema);
  return Object.entries(value).flatMap(([key, item]) => {
    if (known && children(schema, key).length === 0) return [unknownKey(key, known, path, root)];
    return nested(schema, item, [...path, key], root);
  });
}

function nested(schema: Schema, item: unknown, path: readonly PropertyKey[], root: Schema): UnknownKey[] {
  const key = path.at(-1) ?? '';
  const fits = children(schema, key).filter((child) => knownKeys(child) !== undefined || isContainer(child));
  const [first] = fits;
  if (!first) return [];
  // Where several shapes are possible, a key is unknown only if none of them knows it.
  const found = fits.map((child) => unknownKeys(child, item, path, root));
  return found.reduce((a, b) => (b.length < a.length ? b : a));
}

function isContainer(schema: Schema): boolean {
  return alternatives(schema).some((alternative) => {
    const { element, valueType } = definitionOf(alternative);
    return element !== undefined || valueType !== undefined;
  });
}

function unknownKey(
  key: string,
  known: readonly string[],
  path: readonly PropertyKey[],
  root: Schema,
): UnknownKey {
  const near = nearestName(key, known);
  const elsewhere = near === undefined ? sectionWith(root, key) : undefined;
  const remedy =
    near !== undefined
      ? `Did you mean "${near}"?`
      : elsewhere !== undefined
        ? `It belongs under "${elsewhere}".`
        : known.length <= 12
          ? `Known here: ${known.join(', ')}.`
          : 'Remove it.';
  return {
    problem: { path: [...path, key], part: 'key', message: `Unknown key ${quote(key)}. ${remedy}` },
    meant: near === undefined ? undefined : [...path, near].join('\0'),
  };
}

/** The top-level section that knows `key`. */
function sectionWith(root: Schema, key: string): string | undefined {
  return knownKeys(root)?.find((section) =>
    children(root, section).some((child) => knownKeys(child)?.includes(key) === true),
  );
}
