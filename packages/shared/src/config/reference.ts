import { alternatives, bare, definitionOf, typeName } from './schema-shape.js';
import type { Schema } from './schema-shape.js';
import { formatUnit } from './unit-registry.js';

/** One key of a configuration, as the reference describes it. */
export interface ConfigKey {
  /** Dotted; names that the user chooses in angle brackets, entries of lists with `[]`: `lenses.<lens>.input`. */
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  /** As the file would write it. */
  readonly default: string | undefined;
  readonly description: string | undefined;
}

/** Every key of a configuration schema, sections before what is in them. */
export function configKeys(schema: Schema, above = ''): ConfigKey[] {
  const keys = new Map<string, ConfigKey>();
  for (const alternative of alternatives(schema)) {
    const { shape = {}, keyType, valueType, element } = definitionOf(alternative);
    const add = (path: string, child: Schema): void => {
      for (const key of [keyOf(path, child), ...inside(path, child)])
        if (!keys.has(key.path)) keys.set(key.path, key);
    };
    for (const [name, child] of Object.entries(shape)) add(above === '' ? name : `${above}.${name}`, child);
    if (keyType && valueType) add(`${above}.<${bare(keyType).title ?? 'name'}>`, valueType);
    if (element) for (const key of inside(`${above}[]`, element)) keys.set(key.path, key);
  }
  return [...keys.values()];
}

/** The keys of a configuration schema as a Markdown table; `docs/config.md` holds it, and a test holds it to that. */
export function configReference(schema: Schema): string {
  const rows = configKeys(schema).map(({ path, type, required, default: byDefault, description }) => [
    `\`${path}\``,
    type,
    byDefault === undefined ? (required ? '**required**' : '') : `\`${byDefault}\``,
    description ?? '',
  ]);
  const lines = [['Key', 'Type', 'Default', 'Meaning'], ['---', '---', '---', '---'], ...rows];
  return lines.map((cells) => `| ${cells.map(cell).join(' | ')} |\n`).join('');
}

function keyOf(path: string, schema: Schema): ConfigKey {
  const { unit, optional, hasDefault, defaultValue, description } = bare(schema);
  const text = (): string => (unit ? formatUnit(unit, defaultValue) : yamlText(defaultValue));
  // The default of a section is that its keys have theirs.
  const shown = hasDefault && (unit !== undefined || !isSection(defaultValue));
  return {
    path,
    type: typeName(schema),
    required: !optional,
    default: shown ? text() : undefined,
    description,
  };
}

function inside(path: string, schema: Schema): ConfigKey[] {
  return bare(schema).unit ? [] : configKeys(schema, path);
}

function isSection(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function yamlText(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(yamlText).join(', ')}]` : String(value);
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
}
