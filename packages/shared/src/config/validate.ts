import type { z } from 'zod';
import { quote } from '../ids/index.js';
import type { Schema } from './schema-shape.js';
import { bare, schemasAt, typeName } from './schema-shape.js';
import { oneOf, sentenceFor } from './sentences.js';
import type { ContentProblem, UnknownKey } from './unknown-keys.js';
import { unknownKeys } from './unknown-keys.js';

type Issue = z.core.$ZodIssue;

/** The parsed value, or everything that is wrong with it, in plain words. */
export function validate<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
): { readonly value: Output } | { readonly problems: readonly ContentProblem[] } {
  const unknown = unknownKeys(schema, value, []);
  const result = schema.safeParse(value, { error: sentenceFor });
  const problems = [
    ...unknown.map(({ problem }) => problem),
    ...(result.success
      ? []
      : result.error.issues.flatMap((issue) => contentProblems({ schema, value, unknown }, issue))),
  ];
  if (result.success && problems.length === 0) return { value: result.data };
  return { problems };
}

interface Context {
  readonly schema: Schema;
  readonly value: unknown;
  readonly unknown: readonly UnknownKey[];
}

function contentProblems(
  context: Context,
  issue: Issue,
  above: readonly PropertyKey[] = [],
): ContentProblem[] {
  const path = [...above, ...issue.path];
  const lookedUp = lookUp(context.value, path);
  if (issue.code === 'unrecognized_keys') return misplaced(context, issue.keys, path);
  // A refinement may well speak of a key that has its default.
  if (!lookedUp.present && issue.code !== 'custom') return missing(context, path);
  if (lookedUp.value === null) return [{ path, part: 'key', message: emptySentence(context.schema, path) }];
  if (issue.code === 'invalid_key')
    return issue.issues.map(({ message }) => ({
      path,
      part: 'key',
      message: `${quote(path.at(-1))} cannot be a name here. ${message}`,
    }));
  if (issue.code === 'invalid_union') return unionProblems(context, issue, path);
  return [{ path, part: 'value', message: issue.message }];
}

/** Keys that are known, but belong to another member of the union than the rest of the section. */
function misplaced(
  { unknown }: Context,
  keys: readonly string[],
  path: readonly PropertyKey[],
): ContentProblem[] {
  const told = new Set(unknown.map(({ problem }) => problem.path.join('\0')));
  return keys
    .map((key) => ({ key, path: [...path, key] }))
    .filter((key) => !told.has(key.path.join('\0')))
    .map((key) => ({
      path: key.path,
      part: 'key',
      message: `The key ${quote(key.key)} does not go together with the other keys of this section. Remove one or the other.`,
    }));
}

function missing({ schema, unknown }: Context, path: readonly PropertyKey[]): ContentProblem[] {
  // The key is there, only misspelt: that was said already.
  if (unknown.some(({ meant }) => meant === path.join('\0'))) return [];
  const key = String(path.at(-1) ?? '');
  const [first] = schemasAt(schema, path);
  const description = first && bare(first).description;
  const meaning = description === undefined ? '' : ` ${key}: ${description.replace(/\.?$/, '.')}`;
  return [{ path, part: 'key', message: `The key "${key}" is missing.${meaning}` }];
}

function emptySentence(schema: Schema, path: readonly PropertyKey[]): string {
  const [first] = schemasAt(schema, path);
  const expected = first ? typeName(first).replaceAll('`', '') : 'value';
  const remedy = expected === 'section' ? 'Write its keys below it, indented,' : `Write one (${expected}),`;
  return `"${String(path.at(-1) ?? '')}" has no value. ${remedy} or remove the line.`;
}

/**
 * A union fails in as many ways as it has members. What a person meant is the member with the least to mend; only its
 * problems are told.
 */
function unionProblems(
  context: Context,
  issue: Issue & { readonly code: 'invalid_union' },
  path: readonly PropertyKey[],
): ContentProblem[] {
  const { value } = lookUp(context.value, path);
  const discriminator = 'options' in issue ? issue.options : undefined;
  if (discriminator) return [{ path, part: 'value', message: oneOf(discriminator, value) }];
  const [first] = schemasAt(context.schema, path);
  const other: ContentProblem = {
    path,
    part: 'value',
    message: first
      ? `Expected ${typeName(first)
          .replaceAll('`', '')
          .replace(/\bsection\b/, 'a section of keys')}, found ${quote(value)}.`
      : issue.message,
  };
  const isWrongType = (one: Issue): boolean => one.code === 'invalid_type' && one.path.length === 0;
  const possible = issue.errors.filter((issues) => !issues.some(isWrongType));
  // A sentence of the schema's own stands for the whole union.
  if (issue.message !== sentenceFor({ ...issue, input: value }))
    if (possible.length === 0 || typeof value !== 'object') return [{ ...other, message: issue.message }];
  if (possible.length === 0) return [other];
  const [best] = [...possible].sort((a, b) => toMend(context, a, path) - toMend(context, b, path));
  return (best ?? []).flatMap((one) => contentProblems(context, one, path));
}

/** How much is wrong with a member of a union: a key too many weighs most, a key that was only misspelt least. */
function toMend(context: Context, issues: readonly Issue[], path: readonly PropertyKey[]): number {
  let weight = 0;
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      weight += 4 * issue.keys.length;
      continue;
    }
    const full = [...path, ...issue.path];
    const misspelt = context.unknown.some(({ meant }) => meant === full.join('\0'));
    weight += misspelt ? -3 : lookUp(context.value, full).present ? 1 : 2;
  }
  return weight;
}

function lookUp(value: unknown, path: readonly PropertyKey[]): { present: boolean; value: unknown } {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key))
      return { present: false, value: undefined };
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return { present: at !== undefined, value: at };
}
