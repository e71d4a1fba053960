import { MINUTE_MS, SECOND_MS, formatDuration } from '../time/index.js';
import type { CliIo } from './cli-io.js';
import { mayRewrite } from './cli-io.js';
import { printable } from './table.js';

/** How far something has come. */
export interface ProgressState {
  /** In any unit, the same as {@link total}. */
  readonly done: number;
  /** What {@link done} will be at the end; without it there is no bar and no estimate. */
  readonly total?: number;
  /** What else is worth saying: `1.9 of 3.1 MB`. */
  readonly note?: string;
}

/** Shortest time between two reports, by how they are reported. */
const PACE_MS = { bar: 100, lines: 5 * SECOND_MS, json: SECOND_MS };
const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001b[2K';

/**
 * The one line that says how far something has come: rewritten in place on a terminal, a line every five seconds in a
 * log, one JSON object a second with `--json`. Disposing it says the last state and leaves the line behind.
 */
export class Progress implements Disposable {
  readonly #io: CliIo;
  readonly #label: string;
  readonly #mode: keyof typeof PACE_MS;
  readonly #startedMs: number;
  #last: ProgressState | undefined;
  #reported: ProgressState | undefined;
  #dueMs = -Infinity;
  #drawn = false;

  constructor(io: CliIo, label: string, json: boolean) {
    this.#io = io;
    this.#label = label;
    this.#mode = json ? 'json' : mayRewrite(io) ? 'bar' : 'lines';
    this.#startedMs = io.clock.monotonicMs();
  }

  /** Takes note of the state and reports it if it is time to. Cheap: may be called for every block. */
  update(state: ProgressState): void {
    this.#last = state;
    const nowMs = this.#io.clock.monotonicMs();
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + PACE_MS[this.#mode];
    this.#report(state);
  }

  /** Takes the line off the terminal, so that something else can be written; the next update draws it again. */
  clear(): void {
    if (!this.#drawn) return;
    this.#io.stderr.write(CLEAR_LINE);
    this.#drawn = false;
    this.#dueMs = -Infinity;
  }

  [Symbol.dispose](): void {
    if (this.#last && this.#last !== this.#reported) this.#report(this.#last);
    if (this.#drawn) this.#io.stderr.write('\n');
    this.#drawn = false;
    this.#last = undefined;
  }

  #report(state: ProgressState): void {
    this.#reported = state;
    if (this.#mode === 'json') {
      this.#io.stderr.write(`${JSON.stringify({ progress: { label: this.#label, ...state } })}\n`);
      return;
    }
    const text = this.#text(state);
    if (this.#mode === 'lines') {
      this.#io.stderr.write(`${text}\n`);
      return;
    }
    // A line that wraps cannot be rewritten.
    this.#io.stderr.write(
      CLEAR_LINE +
        Array.from(text)
          .slice(0, this.#io.columns - 1)
          .join(''),
    );
    this.#drawn = true;
  }

  #text({ done, total, note }: ProgressState): string {
    const ratio = total === undefined || total <= 0 ? undefined : Math.min(1, Math.max(0, done / total));
    const parts = [printable(this.#label)];
    if (ratio !== undefined) {
      const filled = Math.floor(ratio * BAR_WIDTH);
      if (this.#mode === 'bar') parts.push(`[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`);
      // 100 % is said when all is done, not when the last half per cent is left.
      parts.push(`${Math.floor(ratio * 100)} %`.padStart(5));
    }
    if (note !== undefined) parts.push(printable(note));
    const left = ratio === undefined ? undefined : this.#left(ratio);
    if (left !== undefined) parts.push(`about ${left} left`);
    return parts.join('  ');
  }

  /** How long the rest takes at the mean pace so far; not guessed from the first second or the first percent. */
  #left(ratio: number): string | undefined {
    const elapsedMs = this.#io.clock.monotonicMs() - this.#startedMs;
    if (elapsedMs < SECOND_MS || ratio < 0.01 || ratio >= 1) return undefined;
    const leftMs = (elapsedMs * (1 - ratio)) / ratio;
    return leftMs < MINUTE_MS ? `${Math.ceil(leftMs / SECOND_MS)} s` : formatDuration(leftMs);
  }
}
