import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokenPlace, where } from '../../../../../test/support/edge/broken-place.js';
import { damages } from '../../../../../test/support/edge/damages.js';
import type { RecordedPlace } from '../../../../../test/support/edge/recorded-place.js';
import { recordedPlace } from '../../../../../test/support/edge/recorded-place.js';
import { checkPlace } from '../../../../../test/support/edge/recordings.js';
import { recordingPath, segmentPath } from '../paths.js';
import { KEEP_MS } from '../../retain/forgetting-policy.js';
import type { Finding } from './finding.js';
import { invariants } from './finding.js';

let base: RecordedPlace;

beforeAll(async () => {
  base = await recordedPlace();
});
afterAll(() => base.place[Symbol.asyncDispose]());

function summary(findings: readonly Finding[]): string[] {
  return findings.map(({ invariant, severity }) =>
    severity === 'error' ? invariant : `${invariant} (warning)`,
  );
}

describe('check', () => {
  it('finds nothing in recordings that are in order', async () => {
    const nowMs = base.stoppedMs;
    expect(await checkPlace(base.place, { nowMs, readData: false })).toEqual([]);
    expect(await checkPlace(base.place, { nowMs, readData: true })).toEqual([]);
    expect(await checkPlace(base.place, { nowMs, readData: true, isRunning: true })).toEqual([]);
  });

  it.each(damages)('finds $what', async ({ breaks, finds, readData = false }) => {
    await using broken = await BrokenPlace.of(base);
    await breaks(broken);
    const findings = await checkPlace(broken.place, { nowMs: base.stoppedMs, readData });
    expect(summary(findings).sort(), JSON.stringify(findings, undefined, 1)).toEqual([...finds].sort());
    if (readData)
      expect(await checkPlace(broken.place, { nowMs: base.stoppedMs, readData: false })).toEqual([]);
  });

  it('says nothing of what a running agent is about to do', async () => {
    await using broken = await BrokenPlace.of(base);
    const moved = broken.segment(0, 2);
    await mkdir(broken.path('front/recording'), { recursive: true });
    await rename(broken.file(moved), broken.path(recordingPath(moved)));
    await copyFile(broken.file(broken.segment(0, 1)), broken.path(segmentPath(broken.tombstone())));
    broken.sql('UPDATE tombstone SET file_gone = 0', "DELETE FROM meta WHERE key = 'stopped_ms'");
    expect(await checkPlace(broken.place, { nowMs: base.stoppedMs, isRunning: true })).toEqual([]);
    const found = summary(await checkPlace(broken.place, { nowMs: base.stoppedMs }));
    expect(found.sort()).toEqual(['place (warning)', 'removal (warning)']);
  });

  it('lets the first segment that is left name one that is forgotten', async () => {
    await using broken = await BrokenPlace.of(base);
    const [forgotten] = broken.runs;
    const rows = [0, 1, 2].map((seq) => where({ run: forgotten, seq })).join(' OR ');
    for (const seq of [1, 2] as const) await rm(broken.file(broken.segment(0, seq)));
    broken.sql(
      `DELETE FROM segment WHERE ${rows}`,
      `DELETE FROM tombstone WHERE ${rows}`,
      `DELETE FROM run WHERE name = '${forgotten}'`,
    );
    expect(await checkPlace(broken.place, { nowMs: base.stoppedMs })).toEqual([]);
  });

  it('does not ask for the beginning of a run that is older than what is kept', async () => {
    await using broken = await BrokenPlace.of(base);
    broken.sql('DELETE FROM tombstone');
    expect(await checkPlace(broken.place, { nowMs: base.stoppedMs + KEEP_MS })).toEqual([]);
  });

  it('has a damage in this test for every invariant', () => {
    const found = new Set(damages.flatMap(({ finds }) => finds.map((one) => one.split(' ')[0])));
    expect(invariants.filter((invariant) => !found.has(invariant))).toEqual([]);
  });
});
