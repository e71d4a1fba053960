import type { Run } from '../timeline.js';
import type { Colour } from './line.js';

/** How a state is drawn, and its name in the legend. */
export interface Look {
  readonly symbol: string;
  /** For terminals without Unicode. */
  readonly ascii: string;
  readonly colour: Colour;
  /** Empty for what needs no explanation. */
  readonly words: string;
}

/** Each symbol is a different one without colour, too. */
export const looks = {
  live: { symbol: '█', ascii: '#', colour: 'green', words: 'verified, came live' },
  completed: { symbol: '▓', ascii: '%', colour: 'cyan', words: 'verified, completed later' },
  received: { symbol: '░', ascii: ':', colour: 'green', words: 'received' },
  unknown: { symbol: '?', ascii: '?', colour: 'yellow', words: 'unknown' },
  missing: { symbol: '!', ascii: '!', colour: 'red', words: 'missing' },
  requested: { symbol: '○', ascii: 'o', colour: 'magenta', words: 'requested' },
  transferring: { symbol: '↑', ascii: '^', colour: 'magenta', words: 'transferring' },
  'not-recorded': { symbol: '_', ascii: '_', colour: 'red', words: 'not recorded' },
  lost: { symbol: 'x', ascii: 'x', colour: 'red', words: 'lost' },
  nothing: { symbol: ' ', ascii: ' ', colour: 'plain', words: '' },
} as const satisfies Record<string, Look>;

export type LookName = keyof typeof looks;

/** States that a story without accidents does not show; the legend names them only if they occur. */
export const rareLooks: ReadonlySet<LookName> = new Set(['not-recorded', 'lost', 'nothing']);

export function lookOf({ state, source }: Run): LookName {
  if (state === 'verified') return source === 'completed' ? 'completed' : 'live';
  return state in looks ? (state as LookName) : 'nothing';
}
