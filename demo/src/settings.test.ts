import { describe, expect, it, test } from 'vitest';
import { UsageFailure } from './failure.js';
import { settingsOf } from './settings.js';

const rest = { keep: false, json: true, headless: false, ffmpeg: 'ffmpeg' };

describe('settingsOf', () => {
  test.each([
    [undefined, 20_000],
    ['45s', 45_000],
    ['1m30s', 90_000],
    ['1500ms', 1_500],
  ])('takes %s as a tunnel of %i ms', (tunnel, tunnelMs) => {
    expect(settingsOf({ ...rest, ...(tunnel === undefined ? {} : { tunnel }) })).toEqual({
      ...rest,
      tunnelMs,
    });
  });

  test.each(['', '20', 'long', '-5s', '10ms', '2h'])('refuses "%s"', (tunnel) => {
    expect(() => settingsOf({ ...rest, tunnel })).toThrow(UsageFailure);
  });

  it('says what would be right', () => {
    expect(() => settingsOf({ ...rest, tunnel: '2h' })).toThrow('--tunnel takes 1s to 1h, not 2h.');
  });
});
