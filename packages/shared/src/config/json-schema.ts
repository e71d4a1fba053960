import { z } from 'zod';
import { formatUnit, unitRegistry } from './unit-registry.js';
import type { Schema } from './schema-shape.js';
import { bare, definitionOf } from './schema-shape.js';

/**
 * The JSON Schema of a configuration file, for editors that complete and check YAML. Draft 7, which all of them read.
 *
 * @param title what the file is, shown by the editor
 */
export function configJsonSchema(schema: z.ZodType, title: string): Record<string, unknown> {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-07',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const definition = definitionOf(zodSchema);
      // The loader refuses unknown keys whether or not the schema says so; the editor should, too.
      if (definition.type === 'object' && !definition.catchall) jsonSchema.additionalProperties = false;
      const unit = unitRegistry.get(zodSchema);
      if (unit) jsonSchema.examples = [...unit.examples];
      if (definition.type === 'default') jsonSchema.default = asWritten(zodSchema);
    },
  });
  const { $schema, ...rest } = json as Record<string, unknown>;
  return { $schema, title, ...rest };
}

/** A default as the file would say it: zod keeps the parsed one, `10000` where the file says `10s`. */
function asWritten(schema: Schema): z.core.JSONSchema.JSONSchema['default'] {
  const { unit, defaultValue } = bare(schema);
  if (unit) return formatUnit(unit, defaultValue);
  return JSON.parse(JSON.stringify(defaultValue)) as z.core.JSONSchema.JSONSchema['default'];
}
