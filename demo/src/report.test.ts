import { describe, expect, it } from 'vitest';
import { lineText } from './drawing/line.js';
import type { Outcome } from './outcome.js';
import { reportJson, reportLines } from './report.js';

const frames = { expected: 11_642, lost: 0, doubled: 0, foreign: 0 };
const outcome: Outcome = {
  tunnelMs: 20_150,
  gapMs: 23_000,
  missingFragments: 46,
  missingBytes: 5_080_000,
  sentBytes: 5_110_000,
  payloadBytes: 5_090_000,
  healMs: 4_600,
  frames,
  mp4: 'tram-214_front.mp4',
  mp4Ms: 42_000,
  playlistFrames: { ...frames, expected: 3_304 },
  playlist: 'http://127.0.0.1:8080/index.m3u8',
  timeline: 'http://127.0.0.1:8080/timeline',
  otherGapMs: 0,
  otherLateMs: 0,
  doubts: [],
};

function text(changed: Partial<Outcome>): string {
  return reportLines({ ...outcome, ...changed }, { keep: false })
    .map((line) => lineText(line, Infinity, { colour: false, unicode: true }))
    .join('\n');
}

describe('reportJson', () => {
  it('is one line of the shape that programs rely on', () => {
    const json = reportJson(outcome);
    expect(json).not.toContain('\n');
    expect(JSON.parse(json)).toEqual({
      gapMs: 23_000,
      missingBytes: 5_080_000,
      sentBytes: 5_110_000,
      healMs: 4_600,
      frames: { expected: 11_642, lost: 0, doubled: 0 },
      timeline: 'http://127.0.0.1:8080/timeline',
      mp4: 'tram-214_front.mp4',
      playlist: 'http://127.0.0.1:8080/index.m3u8',
      ok: true,
    });
  });

  it('is not ok with a doubt', () => {
    expect(JSON.parse(reportJson({ ...outcome, doubts: ['central never showed a gap.'] }))).toMatchObject({
      ok: false,
    });
  });
});

describe('reportLines', () => {
  it('fit into 80 columns', () => {
    const longest = text({ otherLateMs: 2_000 }).split('\n');
    expect(longest.filter((line) => line.length >= 80)).toEqual([]);
  });

  it('do not say that the other vehicle had no gap when it had one', () => {
    expect(text({ otherGapMs: 400 })).toMatch(/bus-042 +no gap/);
    expect(text({ otherGapMs: 12_000 })).toMatch(/bus-042 +12\.0 s/);
  });

  it('say that the gap is filled, unless there is a doubt', () => {
    expect(text({})).toContain('The gap is filled');
    const doubtful = text({ doubts: ['central never showed a gap.'] });
    expect(doubtful).not.toContain('The gap is filled');
    expect(doubtful).toContain('central never showed a gap.');
  });
});
