import { Lexer } from 'yaml';

/** A configuration of a thousand lenses is a tenth of this. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

/** Aliases may multiply what a small file means ("billion laughs"); no configuration repeats itself this often. */
export const MAX_ALIASES = 100;

const MAX_DEPTH = 64;

/**
 * Whether a text nests so deeply that composing it, which recurses, could end the process. Block nesting by indentation
 * is bounded by the size of the file; what is not are brackets and several dashes on one line.
 */
export function nestsTooDeeply(text: string): boolean {
  let flow = 0;
  let onLine = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') flow++;
    else if (token === ']' || token === '}') flow--;
    else if (token === '-' || token === '?' || token === ':') onLine++;
    else if (token.includes('\n')) onLine = 0;
    if (flow > MAX_DEPTH || (flow === 0 && onLine > MAX_DEPTH)) return true;
  }
  return false;
}
