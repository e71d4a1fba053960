import type { Abilities } from './line.js';
import { lineText } from './line.js';
import type { PictureFacts } from './picture.js';
import { picture } from './picture.js';
import type { Show, TextStream } from './show.js';

export interface Terminal extends TextStream {
  readonly columns: number;
  readonly rows: number;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_BELOW = '\u001b[J';
const CLEAR_REST_OF_LINE = '\u001b[K';

/** Wider rows would be harder to read, not easier. */
const MAX_COLUMNS = 160;

/** What the drawing needs. */
export const MIN_SIZE = { columns: 60, rows: 22 };

/** Draws on a terminal, each time over what was drawn before. */
export class TerminalShow implements Show {
  readonly #terminal: Terminal;
  readonly #abilities: Abilities;
  /** Widths of the lines that are drawn. */
  #drawn: readonly number[] = [];

  constructor(terminal: Terminal, abilities: Abilities) {
    this.#terminal = terminal;
    this.#abilities = abilities;
    terminal.write(HIDE_CURSOR);
  }

  update(facts: PictureFacts): void {
    // The last column stays free: some terminals wrap when it is written.
    const columns = Math.min(this.#terminal.columns - 1, MAX_COLUMNS);
    const lines = picture(facts, columns, this.#abilities)
      .slice(0, this.#terminal.rows - 1)
      .map((line) => lineText(line, columns, this.#abilities));
    // One write, so that nobody sees half of it.
    this.#terminal.write(
      `${this.#toTop()}${lines.map((line) => `${line}${CLEAR_REST_OF_LINE}\n`).join('')}${CLEAR_BELOW}`,
    );
    this.#drawn = lines.map(widthOf);
  }

  rest(): void {
    this.#drawn = [];
  }

  [Symbol.dispose](): void {
    this.#terminal.write(SHOW_CURSOR);
  }

  /** To the beginning of what is drawn. A terminal that was made narrower has wrapped it. */
  #toTop(): string {
    const height = this.#drawn.reduce(
      (sum, width) => sum + Math.max(1, Math.ceil(width / this.#terminal.columns)),
      0,
    );
    return height === 0 ? '' : `\r\u001b[${Math.min(height, this.#terminal.rows - 1)}A`;
  }
}

function widthOf(line: string): number {
  // eslint-disable-next-line no-control-regex -- colours take no room
  return Array.from(line.replace(/\u001b\[\d*m/g, '')).length;
}
