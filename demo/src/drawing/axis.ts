import { formatUtc } from '@gapless/shared/time';
import type { Grid } from './cells.js';

const STEPS_MS = [5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000];

/** `12:03:20` and a space. */
const LABEL_WIDTH = 9;

/** `12:03:20` */
export function clockText(ms: number): string {
  return formatUtc(ms).slice(11, 19);
}

/** The wall clock below the rows, UTC: each mark stands under the cell that begins with its time. */
export function axis({ startMs, cellMs, count }: Grid, mark: string): string {
  const stepMs =
    STEPS_MS.find((step) => step % cellMs === 0 && step / cellMs >= LABEL_WIDTH + 1) ?? STEPS_MS.at(-1)!;
  const cells = new Array<string>(count).fill(' ');
  const firstMs = Math.ceil(startMs / stepMs) * stepMs;
  for (let atMs = firstMs; atMs < startMs + count * cellMs; atMs += stepMs) {
    const at = (atMs - startMs) / cellMs;
    const label = `${mark}${clockText(atMs)}`;
    if (at + label.length <= count) cells.splice(at, label.length, ...Array.from(label));
  }
  return cells.join('');
}
