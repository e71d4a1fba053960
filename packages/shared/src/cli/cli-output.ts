import type { CliIo } from './cli-io.js';
import { exitCodes } from './cli-io.js';
import { Progress } from './progress.js';
import type { Column } from './table.js';
import { formatTable } from './table.js';

/** How commands speak: data to standard output, talk to standard error, both as JSON when `--json` asks for it. */
export class CliOutput {
  readonly io: CliIo;
  /** Whether a program reads: data is one JSON value a line, and talk is left out. */
  readonly json: boolean;
  #progress: Progress | undefined;

  constructor(io: CliIo, json: boolean) {
    this.io = io;
    this.json = json;
  }

  /** Prints a result: with `--json` the value on one line, else the text for people. */
  print(value: unknown, text: () => string): void {
    this.#progress?.clear();
    const written = this.json ? JSON.stringify(value) : text();
    this.io.stdout.write(written.endsWith('\n') || written === '' ? written : `${written}\n`);
  }

  /** Prints rows: with `--json` as one array, else as a table, or `whenEmpty` on standard error if there are none. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], whenEmpty: string): void {
    if (rows.length === 0) this.say(whenEmpty);
    this.print(rows, () => (rows.length === 0 ? '' : formatTable(columns, rows)));
  }

  /** Says a sentence to a person. */
  say(sentence: string): void {
    if (this.json) return;
    this.#progress?.clear();
    this.io.stderr.write(`${sentence}\n`);
  }

  /** Begins a progress line; the caller disposes it: `using progress = output.progress('front')`. */
  progress(label: string): Progress {
    this.#progress = new Progress(this.io, label, this.json);
    return this.#progress;
  }

  /** Says that some of what was asked for could not be done; the command ends with exit code 5 unless it fails. */
  partlyDone(): void {
    this.io.setExitCode(exitCodes.partlyDone);
  }
}
