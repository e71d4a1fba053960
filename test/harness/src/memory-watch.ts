import { every } from '@gapless/shared/lifecycle';
import { systemClock } from '@gapless/shared/time';
import { residentMb } from './process-usage.js';

/** The resident memory of a process over time, in megabytes. */
export interface MemoryCurve {
  /** Median over the second fifth of the time, when what is kept for good has been made. */
  readonly earlyMb: number;
  /** Median over the last fifth. */
  readonly lateMb: number;
  readonly peakMb: number;
}

const EVERY_MS = 250;

/** Watches processes while `work` goes on; returns a curve for each. */
export async function watchMemory(pids: readonly number[], work: Promise<unknown>): Promise<MemoryCurve[]> {
  const samples = pids.map((): number[] => []);
  const over = new AbortController();
  const watching = every(systemClock, EVERY_MS, over.signal, () => {
    pids.forEach((pid, i) => samples[i]!.push(residentMb(pid)));
  });
  try {
    await work;
  } finally {
    over.abort();
    await watching;
  }
  return samples.map((all) => ({
    earlyMb: median(all.slice(Math.floor(all.length * 0.2), Math.ceil(all.length * 0.4))),
    lateMb: median(all.slice(Math.floor(all.length * 0.8))),
    peakMb: Math.max(...all),
  }));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
