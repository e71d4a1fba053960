import { BLOCK_BYTES } from '@gapless/shared/protocol';
import { SimulatedClock } from '@gapless/shared/time';
import { describe, expect, it } from 'vitest';
import { PauseGate } from './pause-gate.js';

describe('PauseGate', () => {
  it('holds at the end of a block, and lets a block be finished', () => {
    const gate = new PauseGate(new SimulatedClock());
    gate.pause();
    expect(gate.holds(3 * BLOCK_BYTES)).toBe(true);
    expect(gate.holds(3 * BLOCK_BYTES + 1)).toBe(false);
    expect(gate.pieceBytes(BLOCK_BYTES - 10, 31_744)).toBe(10);
    expect(gate.pieceBytes(0, 31_744)).toBe(31_744);
  });

  it('holds anywhere after a second', async () => {
    const clock = new SimulatedClock();
    const gate = new PauseGate(clock);
    gate.pause();
    await clock.advance(999);
    gate.pause();
    expect(gate.holds(5)).toBe(false);
    await clock.advance(1);
    expect(gate.holds(5)).toBe(true);
  });

  it('wakes everyone at once, and rejects who is told to stop', async () => {
    const gate = new PauseGate(new SimulatedClock());
    gate.pause();
    const stop = new AbortController();
    const passed = gate.pass(0, new AbortController().signal);
    const stopped = gate.pass(0, stop.signal);
    stop.abort(new Error('stop'));
    await expect(stopped).rejects.toThrow('stop');
    gate.resume();
    await passed;
    await gate.pass(0, new AbortController().signal);
  });
});
