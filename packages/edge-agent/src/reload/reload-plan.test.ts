import { parseConfig } from '@gapless/shared/config';
import { describe, expect, it } from 'vitest';
import type { EdgeConfig } from '../config.js';
import { edgeConfigSchema } from '../config.js';
import { planReload } from './reload-plan.js';

const BEFORE = `
vehicle: bus-042
central: { url: "wss://central.example" }
stateDir: /state
storage: { maxSize: 200GB }
lenses:
  front: { input: "rtsp://10.0.0.11/main" }
  rear: { input: "rtsp://10.0.0.12/main", live: off }
`;

const configOf = (text: string): EdgeConfig => parseConfig(text, { schema: edgeConfigSchema });
const planFor = (...replacements: readonly (readonly [string, string])[]) => {
  const text = replacements.reduce((so, [from, to]) => so.replace(from, to), BEFORE);
  return planReload(configOf(BEFORE), configOf(text));
};

describe(planReload, () => {
  it('finds nothing in the same configuration', () => {
    const { config, ...rest } = planFor();
    expect(rest).toEqual({ changed: [], needsRestart: [] });
    expect(config).toEqual(configOf(BEFORE));
  });

  it.each<[string, readonly [string, string], string]>([
    ['an input', ['10.0.0.11', '10.0.0.13'], 'lenses.front.input.url'],
    ['live', ['live: off', 'live: push'], 'lenses.rear.live'],
    ['a new lens', ['  rear:', '  door: { input: "test:" }\n  rear:'], 'lenses.door'],
    ['a lens that is gone', ['  rear: { input: "rtsp://10.0.0.12/main", live: off }', ''], 'lenses.rear'],
    ['a limit of storage', ['200GB', '100GB'], 'storage.maxSize'],
    ['a limit that was not there', ['maxSize: 200GB', 'maxSize: 200GB, maxAge: 30d'], 'storage.maxAge'],
    ['the rate of uploads', ['stateDir', 'upload: { maxRate: 2Mbit/s }\nstateDir'], 'upload.maxRate'],
    ['the level of the log', ['stateDir', 'log: { level: debug }\nstateDir'], 'log.level'],
    ['segments', ['stateDir', 'recording: { segmentDuration: 20s }\nstateDir'], 'recording.segmentDuration'],
  ])('takes %s', (_, replacement, key) => {
    const { config, changed, needsRestart } = planFor(replacement);
    expect({ changed, needsRestart }).toEqual({ changed: [key], needsRestart: [] });
    expect(config).toEqual(configOf(BEFORE.replace(...replacement)));
  });

  it.each<[string, readonly [string, string], string]>([
    ['vehicle', ['bus-042', 'bus-043'], 'vehicle'],
    ['central', ['wss://central.example', 'wss://other.example'], 'central.url'],
    ['the place of the state', ['/state', '/other'], 'stateDir'],
    ['the place of the recordings', ['maxSize: 200GB', 'maxSize: 200GB, dir: /elsewhere'], 'storage.dir'],
  ])('leaves %s for the next start', (_, replacement, key) => {
    const { config, changed, needsRestart } = planFor(replacement);
    expect({ changed, needsRestart }).toEqual({ changed: [], needsRestart: [key] });
    expect(config).toEqual(configOf(BEFORE));
  });

  it('takes what it can when there is both', () => {
    const { config, changed, needsRestart } = planFor(['/state', '/other'], ['200GB', '100GB']);
    expect({ changed, needsRestart }).toEqual({ changed: ['storage.maxSize'], needsRestart: ['stateDir'] });
    expect(config).toMatchObject({ stateDir: '/state', storage: { maxSize: 100e9 } });
  });
});
