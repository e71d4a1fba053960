import { z } from 'zod';
import type { UnitMeta } from './unit-registry.js';
import { unitRegistry } from './unit-registry.js';

/** The parts of zod's definitions that a walk over a configuration schema reads. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly getter?: () => z.core.$ZodType;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly catchall?: z.core.$ZodType;
  readonly keyType?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly defaultValue?: unknown;
}

export type Schema = z.core.$ZodType;

/** Reads zod's definition. The one place that relies on how zod stores its schemas. */
export function definitionOf(schema: Schema): Definition {
  return schema._zod.def;
}

/** What remains of a schema without its wrappers, and what the wrappers said. */
export interface Bare {
  readonly schema: Schema;
  readonly unit?: UnitMeta;
  /** Whether the key may be left out. */
  readonly optional: boolean;
  readonly hasDefault: boolean;
  /** In the file's writing or already parsed; only with {@link hasDefault}. */
  readonly defaultValue: unknown;
  readonly description: string | undefined;
  /** What an entry of a section with free names is called: `lens` makes `lenses.<lens>`. */
  readonly title: string | undefined;
}

/** Takes off optional, default, pipe, readonly and the like, down to the input type or a unit. */
export function bare(schema: Schema): Bare {
  let at = schema;
  let optional = false;
  let hasDefault = false;
  let defaultValue: unknown;
  let description: string | undefined;
  let title: string | undefined;
  for (;;) {
    const meta = z.globalRegistry.get(at);
    description ??= meta?.description;
    title ??= meta?.title;
    const unit = unitRegistry.get(at);
    const definition = definitionOf(at);
    if (definition.type === 'optional') optional = true;
    if (!hasDefault && (definition.type === 'default' || definition.type === 'prefault'))
      [hasDefault, defaultValue] = [true, definition.defaultValue];
    const next = definition.innerType ?? definition.in ?? definition.getter?.();
    if (unit || !next) {
      const found = { schema: at, optional: optional || hasDefault, hasDefault, defaultValue };
      return { ...found, description, title, ...(unit ? { unit } : {}) };
    }
    at = next;
  }
}

/** Every shape that a value of this schema can have in the file: the members of unions, else the one. */
export function alternatives(schema: Schema): readonly Schema[] {
  const { schema: inner, unit } = bare(schema);
  const { options, in: input } = definitionOf(inner);
  if (unit && input) return alternatives(input);
  return options ? options.flatMap((option) => alternatives(option)) : [inner];
}

/** The schemas of the value under `key`; several where a union allows several, none where the key is unknown. */
export function children(schema: Schema, key: PropertyKey): readonly Schema[] {
  return alternatives(schema).flatMap((alternative) => {
    const { shape, catchall, valueType, element } = definitionOf(alternative);
    const child =
      shape && Object.hasOwn(shape, key) ? shape[String(key)] : (valueType ?? element ?? catchall);
    return child === undefined || definitionOf(child).type === 'never' ? [] : [child];
  });
}

/** The schemas of the value at `path`. */
export function schemasAt(schema: Schema, path: readonly PropertyKey[]): readonly Schema[] {
  let at: readonly Schema[] = [schema];
  for (const key of path) at = at.flatMap((parent) => children(parent, key));
  return at;
}

/** The keys that a section allows; `undefined` when it is no section, or one with free names. */
export function knownKeys(schema: Schema): readonly string[] | undefined {
  const shapes = alternatives(schema).map(definitionOf);
  if (shapes.some(({ valueType }) => valueType !== undefined)) return undefined;
  const keys = shapes.flatMap(({ shape }) => Object.keys(shape ?? {}));
  return keys.length === 0 ? undefined : [...new Set(keys)];
}

/** What a value of this schema is, in the words of the reference table and the messages. */
export function typeName(schema: Schema): string {
  const { schema: inner, unit } = bare(schema);
  if (unit) return unit.typeName;
  const { type, options, element, valueType, values, entries } = definitionOf(inner);
  if (options) return [...new Set(options.map(typeName))].join(' or ');
  if (element) return `list of ${typeName(element)}`;
  if (valueType) return 'section';
  const choices = values ?? (entries && Object.values(entries));
  if (choices) return choices.map((choice) => `\`${String(choice)}\``).join(', ');
  switch (type) {
    case 'string':
      return 'text';
    case 'number':
      return (definitionOf(inner) as { format?: string }).format === 'safeint' ? 'whole number' : 'number';
    case 'boolean':
      return 'true or false';
    case 'object':
      return 'section';
    default:
      return type;
  }
}
