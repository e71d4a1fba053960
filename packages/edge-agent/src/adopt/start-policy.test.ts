import { describe, expect, it } from 'vitest';
import { NamePattern } from './name-pattern-policy.js';
import { chooseStart } from './start-policy.js';

const NOTHING = { mediaMtx: undefined, named: undefined, createdMs: undefined };
const modifiedMs = Date.UTC(2025, 9, 26, 1, 30, 20);
const mediaMtx = { stream: 'aa', number: 3, startMs: 1_757_150_596_244 };

describe('chooseStart', () => {
  it('believes the recorder before the name, the name before the container, the container before the disk', () => {
    const named = { startsMs: [1_757_150_596_000], exactToMs: 1000 };
    const createdMs = 1_757_150_597_000;
    const hints = { mediaMtx, named, createdMs, modifiedMs, lengthMs: 20_000 };
    expect(chooseStart(hints)).toMatchObject({ clock: 'mediamtx', startMs: mediaMtx.startMs });
    expect(chooseStart({ ...hints, mediaMtx: undefined })).toMatchObject({
      clock: 'name',
      startMs: 1_757_150_596_000,
    });
    expect(chooseStart({ ...NOTHING, createdMs, modifiedMs, lengthMs: 20_000 })).toMatchObject({
      clock: 'container',
      startMs: createdMs,
    });
    expect(chooseStart({ ...NOTHING, modifiedMs, lengthMs: 20_000 })).toMatchObject({
      clock: 'modified',
      startMs: modifiedMs - 20_000,
    });
  });

  it('does not believe a container that was made before there were such recordings', () => {
    expect(chooseStart({ ...NOTHING, createdMs: 86_400_000, modifiedMs, lengthMs: 0 }).clock).toBe(
      'modified',
    );
  });

  it('tells the two hours apart that clocks show twice by when the file was changed last', () => {
    const named = new NamePattern('%Y-%m-%d_%H-%M-%S', 'Europe/Berlin').match('2025-10-26_02-30-00.mp4')!;
    const at = (hour: number): number => Date.UTC(2025, 9, 26, hour, 30);
    const hints = { ...NOTHING, named, lengthMs: 20_000 };
    expect(chooseStart({ ...hints, modifiedMs: at(1) + 20_000 }).startMs).toBe(at(1));
    expect(chooseStart({ ...hints, modifiedMs: at(0) + 20_000 }).startMs).toBe(at(0));
  });
});
