import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configJsonSchema } from './json-schema.js';
import { environmentOverrides } from './overrides.js';
import { configReference } from './reference.js';
import { secret } from './secret.js';
import { bitrate, duration, listenAddress, size } from './units.js';

const schema = z.strictObject({
  vehicle: z.string().describe('Name of the vehicle.'),
  storage: z
    .strictObject({
      maxSize: size().prefault('200GB').describe('Most that recordings may take.'),
      maxAge: duration().default(2_592_000_000).describe('How long recordings are kept.'),
      whenFull: z
        .enum(['evict-oldest', 'stop'])
        .default('evict-oldest')
        .describe('What gives way | what stops.'),
    })
    .prefault({})
    .describe('Local disk.'),
  lenses: z
    .record(
      z.string().meta({ title: 'lens' }),
      z.union([
        z.object({ input: z.string().describe('Where the video comes from.') }),
        z.object({ adopt: z.object({ dir: z.string().optional().describe('Foreign recordings.') }) }),
      ]),
    )
    .default({})
    .describe('What is recorded.'),
  listen: listenAddress().optional().describe('Local port.'),
  rate: bitrate().optional().describe('Fastest upload.'),
  password: secret().optional().describe('For the camera.'),
  cidr: z.array(z.cidrv4()).default(['10.0.0.0/8']).describe('Depot networks.'),
  workers: z.int().default(2).describe('At once.'),
});

describe('configReference', () => {
  it('writes every key with type, default and meaning', () => {
    expect(configReference(schema)).toBe(`| Key | Type | Default | Meaning |
| --- | --- | --- | --- |
| \`vehicle\` | text | **required** | Name of the vehicle. |
| \`storage\` | section |  | Local disk. |
| \`storage.maxSize\` | size | \`200GB\` | Most that recordings may take. |
| \`storage.maxAge\` | duration | \`30d\` | How long recordings are kept. |
| \`storage.whenFull\` | \`evict-oldest\`, \`stop\` | \`evict-oldest\` | What gives way \\| what stops. |
| \`lenses\` | section |  | What is recorded. |
| \`lenses.<lens>\` | section | **required** |  |
| \`lenses.<lens>.input\` | text | **required** | Where the video comes from. |
| \`lenses.<lens>.adopt\` | section | **required** |  |
| \`lenses.<lens>.adopt.dir\` | text |  | Foreign recordings. |
| \`listen\` | address |  | Local port. |
| \`rate\` | rate |  | Fastest upload. |
| \`password\` | secret |  | For the camera. |
| \`cidr\` | list of text | \`[10.0.0.0/8]\` | Depot networks. |
| \`workers\` | whole number | \`2\` | At once. |
`);
  });
});

describe('configJsonSchema', () => {
  it('describes what the file may say, not what it becomes', () => {
    const json = configJsonSchema(schema, 'edge.yml') as {
      required: string[];
      additionalProperties: boolean;
      properties: Record<string, Record<string, unknown>>;
    };
    expect(json).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#', title: 'edge.yml' });
    expect(json.required).toEqual(['vehicle']);
    expect(json.additionalProperties).toBe(false);
    const storage = json.properties['storage'] as { properties: Record<string, unknown> };
    expect(storage.properties['maxAge']).toMatchObject({
      type: 'string',
      default: '30d',
      examples: ['10s', '2m', '12h'],
    });
    expect(storage.properties['maxSize']).toMatchObject({ default: '200GB' });
    // An object schema that forgot to be strict is strict all the same.
    expect(JSON.stringify(json.properties['lenses'])).toContain('"additionalProperties":false');
  });
});

describe('environmentOverrides', () => {
  it('finds the variable of every key that is a single value', () => {
    const environment = {
      GAPLESS_STORAGE_MAX_SIZE: '5GB',
      GAPLESS_VEHICLE: 'a',
      GAPLESS_CIDR: '10.0.0.0/8',
      GAPLESS_LENSES: 'x',
      GAPLESS_FFMPEG: 'x',
      VEHICLE: 'b',
    };
    expect(environmentOverrides(schema, environment)).toEqual([
      { path: 'vehicle', value: 'a', origin: 'GAPLESS_VEHICLE' },
      { path: 'storage.maxSize', value: '5GB', origin: 'GAPLESS_STORAGE_MAX_SIZE' },
      { path: 'cidr', value: '10.0.0.0/8', origin: 'GAPLESS_CIDR' },
    ]);
  });
});
