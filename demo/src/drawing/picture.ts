import type { Range } from '@gapless/shared/interval';
import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { vehicles, tunnelVehicle } from '../cast.js';
import type { Chapter } from '../chapters.js';
import type { Snapshot } from '../timeline.js';
import { runsOf } from '../timeline.js';
import { axis, clockText } from './axis.js';
import type { Grid } from './cells.js';
import { cellLength, cellsOf, gridFor } from './cells.js';
import type { Abilities, Line, Span } from './line.js';
import { lineWidth, span } from './line.js';
import type { LookName } from './looks.js';
import { looks, rareLooks } from './looks.js';

/** Everything that the drawing shows. */
export interface PictureFacts {
  /** What central's API said last. */
  readonly snapshot: Snapshot;
  /** Where the rows begin. */
  readonly fromMs: EpochMs;
  /** How long the story will be, so that all of it fits; the rows move on when it becomes longer. */
  readonly plannedMs: DurationMs;
  /** When the link of the {@link tunnelVehicle} was cut; the last one may not have ended. */
  readonly cuts: readonly Range[];
  /** None when the story has been told. */
  readonly chapters: readonly Chapter[];
  /** What keys do; empty when nobody can press any. */
  readonly keys: string;
}

const LABEL_WIDTH = 18;

/** The drawing, from top to bottom, for lines of `columns` characters. */
export function picture(facts: PictureFacts, columns: number, abilities: Abilities): Line[] {
  const { snapshot, chapters, keys } = facts;
  const nowMs = snapshot.atMs;
  const grid = rowsGrid(facts, columns - LABEL_WIDTH);
  const rows = vehicles.flatMap(({ name, lenses }) => [
    [],
    labelled(name, 'link', linkRow(grid, nowMs, name === tunnelVehicle.name ? facts.cuts : [], abilities)),
    ...lenses.map(({ path, lens }) =>
      labelled('', lens, lensRow(cellsOf(runsOf(snapshot, path), grid), abilities)),
    ),
  ]);
  const title = span(' Gapless: every second of video, from the vehicle to central', 'bold');
  const clock = span(`${clockText(nowMs)} UTC`, 'faint');
  return [
    spread([title], clock, columns),
    ...rows,
    [span(' '.repeat(LABEL_WIDTH)), span(axis(grid, abilities.unicode ? '╵' : '|'), 'faint')],
    [],
    ...legend(facts, columns, abilities),
    ...(chapters.length === 0 ? [] : [[], ...chapters.map((one) => chapterLine(one, nowMs, abilities))]),
    ...(keys === '' ? [] : [[], [span(` ${keys}`, 'faint')]]),
  ];
}

/** The grid of the rows in `columns` characters. */
export function rowsGrid({ fromMs, plannedMs, snapshot }: PictureFacts, columns: number): Grid {
  const cellMs = cellLength(plannedMs, columns);
  return gridFor(fromMs, snapshot.atMs, { cellMs, columns });
}

function labelled(vehicle: string, what: string, row: Line): Line {
  return [span(` ${vehicle.padEnd(10)}`, 'bold'), span(what.padEnd(LABEL_WIDTH - 11)), ...row];
}

/** A row of symbols; neighbours of one colour are one span. */
export function lensRow(cells: readonly LookName[], { unicode }: Abilities): Line {
  return joined(
    cells.map((name) => {
      const { symbol, ascii, colour } = looks[name];
      return span(unicode ? symbol : ascii, colour);
    }),
  );
}

/** Whether the link was there, as the one who cuts it knows. */
function linkRow(grid: Grid, nowMs: EpochMs, cuts: readonly Range[], { unicode }: Abilities): Line {
  const up = span(unicode ? '━' : '=', 'faint');
  const down = span(unicode ? '╌' : '-', 'red');
  const begins = span(unicode ? '╳' : 'X', 'red');
  let wasCut = false;
  return joined(
    Array.from({ length: grid.count }, (_, index) => {
      const middleMs = grid.startMs + (index + 0.5) * grid.cellMs;
      if (middleMs > nowMs) return span(' ');
      const isCut = cuts.some(({ startMs, endMs }) => startMs <= middleMs && middleMs < endMs);
      const mark = !isCut ? up : wasCut ? down : begins;
      wasCut = isCut;
      return mark;
    }),
  );
}

function joined(cells: readonly Span[]): Line {
  const spans: Span[] = [];
  for (const cell of cells) {
    const last = spans.at(-1);
    if (last?.colour === cell.colour) spans[spans.length - 1] = { ...last, text: last!.text + cell.text };
    else spans.push(cell);
  }
  return spans;
}

/** What the symbols mean, in the words of the glossary; as many to a line as fit. */
function legend({ snapshot }: PictureFacts, columns: number, { unicode }: Abilities): Line[] {
  const states = new Set<string>(snapshot.lenses.flatMap(({ runs }) => runs.map(({ state }) => state)));
  const named = (Object.keys(looks) as LookName[]).filter((name) => !rareLooks.has(name) || states.has(name));
  const items: Line[] = named
    .filter((name) => looks[name].words !== '')
    .map((name) => [
      span(unicode ? looks[name].symbol : looks[name].ascii, looks[name].colour),
      span(` ${looks[name].words}`),
    ]);
  items.push([span(unicode ? '╌' : '-', 'red'), span(' link cut')]);
  const lines: Span[][] = [];
  for (const item of items) {
    const line = lines.at(-1);
    if (line && lineWidth(line) + 3 + lineWidth(item) <= columns) line.push(span('   '), ...item);
    else lines.push([span(' '), ...item]);
  }
  return lines;
}

const SPINNER = Array.from('⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏');
const SPIN_MS = 100;

function chapterLine(
  { name, standing, sentence, atMs }: Chapter,
  nowMs: EpochMs,
  { unicode }: Abilities,
): Line {
  const time = atMs === undefined ? '' : clockText(atMs);
  const text = `${time.padEnd(10)}${name.padEnd(8)}${sentence}`;
  switch (standing) {
    case 'done':
      return [span(` ${unicode ? '✓' : '*'} `, 'green'), span(text)];
    case 'now': {
      const spinner = unicode ? SPINNER[Math.floor(nowMs / SPIN_MS) % SPINNER.length]! : '>';
      return [span(` ${spinner} `, 'yellow'), span(text, 'bold')];
    }
    case 'ahead':
      return [span('   '), span(text, 'faint')];
  }
}

function spread(left: Line, right: Span, columns: number): Line {
  const gap = columns - lineWidth(left) - lineWidth([right]);
  return gap < 2 ? left : [...left, span(' '.repeat(gap)), right];
}
