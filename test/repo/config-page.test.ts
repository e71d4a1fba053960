import { readFileSync } from 'node:fs';
import { configReference } from '@gapless/shared/config';
import { describe, expect, it } from 'vitest';
import { centralConfigSchema } from '../../packages/central/src/config.js';
import { edgeConfigSchema } from '../../packages/edge-agent/src/config.js';
// @ts-expect-error a plain script without types
import { configPage } from '../../scripts/docs.mjs';

describe('docs/config.md', () => {
  it('is what the schemas make it; node scripts/docs.mjs writes it', async () => {
    const tables = { central: configReference(centralConfigSchema), edge: configReference(edgeConfigSchema) };
    const wanted = await (configPage as (tables: object) => Promise<string>)(tables);
    expect(readFileSync('docs/config.md', 'utf8')).toBe(wanted);
  });
});
