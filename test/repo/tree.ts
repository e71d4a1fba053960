import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** What is made, not written. Kept in step with `.gitignore`; git itself may be missing where the tests run. */
const MADE = new Set(['node_modules', 'dist', '.git', 'coverage', 'gapless-data']);
const MADE_FILES = /\.(tsbuildinfo|log)$|^pnpm-lock\.yaml$/;

/** Every file that someone wrote, relative to the root, with forward slashes. */
export function writtenFiles(below = ''): string[] {
  return readdirSync(join(root, below), { withFileTypes: true })
    .filter((entry) => !MADE.has(entry.name) && !MADE_FILES.test(entry.name))
    .flatMap((entry) => {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      return entry.isDirectory() ? writtenFiles(path) : [path];
    });
}

/** The content of a text file; `undefined` for one that holds anything but text. */
export function textOf(path: string): string | undefined {
  const bytes = readFileSync(join(root, path));
  return bytes.includes(0) ? undefined : bytes.toString('utf8');
}

export function exists(path: string): boolean {
  return existsSync(join(root, path));
}

/** A place in a file, as an editor opens it. */
export function place(path: string, text: string, offset: number): string {
  return `${path}:${text.slice(0, offset).split('\n').length}`;
}

/** Every match of `pattern` in the files, as `file:line  match`. */
export function occurrences(pattern: RegExp, paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const text = textOf(path);
    if (text === undefined) return [];
    return [...text.matchAll(pattern)].map(
      (match) => `${place(path, text, match.index)}  ${match[0].trim()}`,
    );
  });
}
