import { AppError } from '@gapless/shared/errors';
import { SimulatedClock } from '@gapless/shared/time';
import { describe, expect, it } from 'vitest';
import { Patience } from './patience.js';

function setUp(headwayMs: () => number = () => Number.NEGATIVE_INFINITY): {
  clock: SimulatedClock;
  patience: Patience;
  stop: AbortController;
} {
  const clock = new SimulatedClock();
  const stop = new AbortController();
  const failure = (): AppError => new AppError('SFTP_UNREACHABLE', 'nothing moves');
  return {
    clock,
    stop,
    patience: new Patience({ clock, patienceMs: 1000, signals: [stop.signal], headwayMs, failure }),
  };
}

describe('Patience', () => {
  it('ends when nothing gets ahead', async () => {
    const { clock, patience } = setUp();
    await clock.advance(999);
    expect(patience.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(patience.signal.reason).toMatchObject({ code: 'SFTP_UNREACHABLE' });
  });

  it('begins anew with whatever gets ahead', async () => {
    let headwayMs = 0;
    const { clock, patience } = setUp(() => headwayMs);
    for (let second = 0; second < 60; second++) {
      headwayMs = clock.monotonicMs();
      await clock.advance(900);
    }
    expect(patience.signal.aborted).toBe(false);
    await clock.advance(100);
    expect(patience.signal.aborted).toBe(true);
  });

  it('aborts with the first of its signals, and with nothing once it is disposed of', async () => {
    const first = setUp();
    first.stop.abort(new Error('stop'));
    expect(first.patience.signal.reason).toMatchObject({ message: 'stop' });
    const second = setUp();
    second.patience[Symbol.dispose]();
    await second.clock.advance(5000);
    second.stop.abort();
    expect(second.patience.signal.aborted).toBe(false);
  });
});
