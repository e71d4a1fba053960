import { formatDuration } from '@gapless/shared/time';
import type { Chapter } from '../chapters.js';
import type { LensView } from '../timeline.js';
import { isCompleted, isGap } from '../timeline.js';
import { clockText } from './axis.js';
import { cellsOf } from './cells.js';
import type { Abilities } from './line.js';
import { lineText } from './line.js';
import type { PictureFacts } from './picture.js';
import { lensRow, rowsGrid } from './picture.js';
import type { Show, TextStream } from './show.js';

const ROW_WIDTH = 48;
const PATH_WIDTH = 16;

/** Tells the story in lines, one a change: for pipes, logs and terminals that cannot be drawn over. */
export class LineShow implements Show {
  readonly #stream: TextStream;
  readonly #abilities: Abilities;
  readonly #told = new Map<string, string>();

  constructor(stream: TextStream, abilities: Abilities) {
    this.#stream = stream;
    this.#abilities = abilities;
  }

  update(facts: PictureFacts): void {
    const { snapshot, chapters } = facts;
    for (const chapter of chapters) this.#tellChapter(chapter, snapshot.atMs);
    for (const lens of snapshot.lenses) this.#tellLens(lens, facts);
  }

  rest(): void {
    // Lines stay as they are.
  }

  [Symbol.dispose](): void {
    this.#told.clear();
  }

  #line(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  /** When it begins and when it ends; what it says in between changes every second. */
  #tellChapter({ name, standing, sentence }: Chapter, nowMs: number): void {
    if (standing === 'ahead' || this.#told.get(name) === standing) return;
    this.#told.set(name, standing);
    this.#line(`${clockText(nowMs)}  ${name.padEnd(PATH_WIDTH)}${sentence}`);
  }

  /** When other states than before are there; their lengths change all the time. */
  #tellLens(lens: LensView, facts: PictureFacts): void {
    const { states, words } = standingOf(lens);
    if (states === '' || this.#told.get(lens.path) === states) return;
    this.#told.set(lens.path, states);
    const row = lensRow(cellsOf(lens.runs, rowsGrid(facts, ROW_WIDTH)), this.#abilities);
    const drawn = lineText(row, ROW_WIDTH, { ...this.#abilities, colour: false });
    this.#line(`${clockText(facts.snapshot.atMs)}  ${lens.path.padEnd(PATH_WIDTH)}${drawn}  ${words}`);
  }
}

/** What is not as it should be, or that nothing is: in which states, and in words with their lengths. */
function standingOf({ runs }: LensView): { states: string; words: string } {
  const lengths = new Map<string, number>();
  for (const run of runs) {
    const name = isGap(run) ? run.state : isCompleted(run) ? 'completed' : undefined;
    if (name !== undefined) lengths.set(name, (lengths.get(name) ?? 0) + run.endMs - run.startMs);
  }
  const here = runs.some(({ state }) => state === 'verified')
    ? ['verified']
    : runs.some(({ state }) => state === 'received')
      ? ['received']
      : [];
  const words = [...lengths].map(([name, lengthMs]) => `${name} ${formatDuration(lengthMs)}`);
  return {
    states: [...here, ...[...lengths.keys()].sort()].join(' '),
    words: words.length === 0 ? (here[0] ?? '') : words.join(', '),
  };
}
