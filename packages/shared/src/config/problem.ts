import { AppError } from '../errors/index.js';
import { redactUrls } from '../log/index.js';

/** One thing that is wrong with a configuration, with everything that finding and mending it needs. */
export interface ConfigProblem {
  /** Where it stands: `edge.yml:8:5`, or the flag or variable that said it: `--http`. */
  readonly place: string;
  /** The key, dotted: `lenses.front.input`; empty for the file as a whole. */
  readonly path: string;
  /** The line of the file, from 1, and the column in it, from 1. Absent for what a flag or a variable said. */
  readonly line?: number;
  readonly column?: number;
  /** The text at {@link place}: the line, or the value of the flag. */
  readonly excerpt?: string;
  /** What is wrong and what to write instead. */
  readonly message: string;
}

/** More than this help nobody; a file that is no configuration at all would fill the screen. */
const SHOWN_PROBLEMS = 30;
const SHOWN_WIDTH = 110;

/** All problems as the one error that a daemon stops with. */
export function configInvalid(name: string, problems: readonly ConfigProblem[]): AppError {
  const ordered = [...problems].sort(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
  const count = ordered.length === 1 ? '1 problem' : `${ordered.length} problems`;
  const more = ordered.length - SHOWN_PROBLEMS;
  const lines = [
    ...ordered.slice(0, SHOWN_PROBLEMS).map(renderProblem),
    ...(more > 0 ? [`and ${more} more`] : []),
    `${count} in ${name}. Nothing was changed.`,
  ];
  return new AppError('CONFIG_INVALID', lines.join('\n'), {
    details: { problems: ordered.slice(0, SHOWN_PROBLEMS).map(withoutSecrets) },
  });
}

/** Place and key, the line itself, and below it a caret with the sentence. */
export function renderProblem(problem: ConfigProblem): string {
  const { place, path, line, column = 1, excerpt, message } = withoutSecrets(problem);
  const head = path === '' ? place : `${place}  ${path}`;
  if (excerpt === undefined) return `${head}\n     ${message}`;
  const { text, caret } = window(excerpt, column);
  const number = line === undefined ? '' : String(line);
  return [
    head,
    `${number.padStart(4)} | ${text}`.trimEnd(),
    `${''.padStart(4)} | ${' '.repeat(caret)}^ ${message}`,
  ].join('\n');
}

/** The part of a long line around the column, with what would move the caret replaced. */
function window(excerpt: string, column: number): { text: string; caret: number } {
  const flat = excerpt.replace(/\p{Cc}/gu, ' ');
  const start = column <= SHOWN_WIDTH - 20 ? 0 : column - 40;
  const text = flat.slice(start, start + SHOWN_WIDTH);
  return { text, caret: Math.min(Math.max(0, column - 1 - start), text.length) };
}

const SECRET_VALUE =
  /((?:pass(?:word|phrase|wd)?|secret|token|credential|private-?key)[\w-]*["']?\s*:\s*)([^\s{,}|>#][^,}#]*)/gi;

/** A line of the file goes to terminals and journals; passwords in it do not. The length stays, for the caret. */
function withoutSecrets(problem: ConfigProblem): ConfigProblem {
  const clean = { ...problem, message: redactUrls(problem.message) };
  if (problem.excerpt === undefined) return clean;
  const excerpt = problem.excerpt.replace(
    SECRET_VALUE,
    (_, key: string, value: string) => `${key}${'***'.padEnd(value.length)}`,
  );
  return { ...clean, excerpt: redactUrls(excerpt) };
}
