/** The colours that every terminal has; what they mean is said by symbols and words as well. */
const CODES = {
  plain: '',
  bold: '1',
  faint: '2',
  red: '31',
  green: '32',
  yellow: '33',
  magenta: '35',
  cyan: '96',
} as const;

export type Colour = keyof typeof CODES;

export interface Span {
  readonly text: string;
  readonly colour?: Colour;
}

/** A line of the drawing. */
export type Line = readonly Span[];

/** What the terminal can show. */
export interface Abilities {
  readonly colour: boolean;
  readonly unicode: boolean;
}

export function span(text: string, colour: Colour = 'plain'): Span {
  return { text, colour };
}

/** A line as it is written, at most `columns` characters wide: a line that wraps could not be drawn over. */
export function lineText(line: Line, columns: number, { colour }: Abilities): string {
  let left = columns;
  let text = '';
  for (const { text: part, colour: wanted = 'plain' } of line) {
    const shown = Array.from(part).slice(0, left).join('');
    left -= Array.from(shown).length;
    const code = CODES[wanted];
    text += colour && code !== '' && shown.trim() !== '' ? `\u001b[${code}m${shown}\u001b[0m` : shown;
  }
  return text.trimEnd();
}

/** Characters of a line. */
export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + Array.from(text).length, 0);
}
