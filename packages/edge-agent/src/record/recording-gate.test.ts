import { describe, expect, it } from 'vitest';
import { RecordingGate } from './recording-gate.js';

const NEVER = new AbortController().signal;

describe('RecordingGate', () => {
  it('tells once that it closes, and at once to who comes later', () => {
    const gate = new RecordingGate();
    const heard: string[] = [];
    gate.onClose(() => heard.push('early'));
    const stop = gate.onClose(() => heard.push('gone'));
    stop();
    gate.close('disk full');
    gate.close('disk still full');
    gate.onClose(() => heard.push('late'));
    expect(heard).toEqual(['early', 'late']);
    expect(gate.closedBecause).toBe('disk still full');
  });

  it('lets everybody through who waited, when it opens', async () => {
    const gate = new RecordingGate();
    await gate.whenOpen(NEVER);
    gate.close('disk full');
    const waiting = Promise.all([gate.whenOpen(NEVER), gate.whenOpen(NEVER)]);
    gate.open();
    await waiting;
    expect(gate.closedBecause).toBeUndefined();
  });

  it('lets go whose signal aborts', async () => {
    const gate = new RecordingGate();
    gate.close('disk full');
    const stop = new AbortController();
    const waiting = gate.whenOpen(stop.signal);
    stop.abort();
    await waiting;
    await gate.whenOpen(stop.signal);
  });

  it('of a lens is closed while that of the disk is, and opens when both are open', async () => {
    const disk = new RecordingGate();
    const gate = new RecordingGate(disk);
    const heard: string[] = [];
    const stop = gate.onClose(() => heard.push(gate.closedBecause!));
    disk.close('disk full');
    expect([gate.closedBecause, gate.own.closedBecause]).toEqual(['disk full', undefined]);
    gate.close('lens full');
    stop();
    const state = { isOpen: false };
    const waiting = gate.whenOpen(NEVER).then(() => (state.isOpen = true));
    disk.open();
    await new Promise((resolve) => setImmediate(resolve));
    expect([state.isOpen, gate.closedBecause]).toEqual([false, 'lens full']);
    gate.open();
    await waiting;
    expect(heard).toEqual(['disk full', 'lens full']);
  });
});
