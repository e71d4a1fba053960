import { z } from 'zod';
import { assert } from '../errors/index.js';
import { quote } from '../ids/index.js';
import type { UnitMeta } from './unit-registry.js';
import { unitRegistry } from './unit-registry.js';

/** Bounds of a unit type, both inclusive and in the unit's own writing: `{ min: '1s', max: '1h' }`. */
export interface UnitBounds {
  readonly min?: string;
  readonly max?: string;
}

export interface UnitReader<Output, Input> {
  readonly meta: Omit<UnitMeta, 'format'> & { readonly format: (value: Output) => string };
  /** The value, `undefined` when the text is not of this unit. */
  readonly parse: (input: Input) => Output | undefined;
  /** A sentence that names what is wrong with unreadable input, and how to write it. */
  readonly remedy: (input: Input) => string;
  /** A sentence when the value can be read and is refused all the same. */
  readonly refuse?: (value: Output) => string | undefined;
}

/** Builds the schema of a unit: `input` checks what YAML gave, `reader` makes the value of it. */
export function unit<Output, Input>(
  input: z.ZodType<Input, Input>,
  reader: UnitReader<Output, Input>,
): z.ZodType<Output, Input> {
  const schema = input.transform((value, context): Output => {
    const parsed = reader.parse(value);
    const message = parsed === undefined ? reader.remedy(value) : reader.refuse?.(parsed);
    if (parsed !== undefined && message === undefined) return parsed;
    context.issues.push({ code: 'custom', message: message ?? '', input: value });
    return z.NEVER;
  });
  unitRegistry.add(schema, reader.meta);
  return schema;
}

/** The `refuse` of a unit that is a number with bounds. */
export function outside(
  bounds: UnitBounds,
  parse: (text: string) => number | undefined,
  format: (value: number) => string,
): (value: number) => string | undefined {
  const bound = (text: string | undefined, open: number): number => {
    const parsed = text === undefined ? open : parse(text);
    assert(parsed !== undefined, `a bound of the configuration schema cannot be read: ${text ?? ''}`);
    return parsed;
  };
  const min = bound(bounds.min, -Infinity);
  const max = bound(bounds.max, Infinity);
  return (value) => {
    if (value < min) return `Must be at least ${format(min)}, found ${format(value)}.`;
    if (value > max) return `Must be at most ${format(max)}, found ${format(value)}.`;
    return undefined;
  };
}

/** A closing "Did you mean", if there is anything to mean. */
export function meant(likely: string | undefined): string {
  return likely === undefined ? '' : ` Did you mean ${likely}?`;
}

/** What a value is, in a few words. */
export function found(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  return typeof input === 'object' && input !== null ? 'a section of keys' : quote(input);
}
