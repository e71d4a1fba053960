import { z } from 'zod';

/** What a unit type tells the reference table, the editor schema and the messages about itself. */
export interface UnitMeta {
  /** In the words of the reference table: `duration`, `size`. */
  readonly typeName: string;
  /** How a value is written, for messages and editors. */
  readonly examples: readonly string[];
  /** A parsed value as text; turns a default back into what the file would say. */
  readonly format: (value: never) => string;
}

/** Marks the schemas that read human units, so that a walk over a schema stops at them. */
export const unitRegistry = z.registry<UnitMeta>();

/** The text that a unit type's default would have in the file. */
export function formatUnit(meta: UnitMeta, value: unknown): string {
  return typeof value === 'string' ? value : meta.format(value as never);
}
