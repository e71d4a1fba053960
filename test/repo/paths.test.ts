import { dirname, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exists, place, textOf, writtenFiles } from './tree.js';

const files = writtenFiles();

/** What a path in the prose may be meant from: the root, the page, the packages, and their sources. */
function candidates(mentioned: string, page: string): string[] {
  const [first = '', ...rest] = mentioned.split('/');
  const bases = [
    '',
    'packages',
    'docs',
    'docs/design',
    'packages/shared/src',
    'packages/edge-agent/src',
    'packages/central/src',
  ];
  return [
    posix.join(dirname(page), mentioned),
    ...bases.map((base) => posix.join(base, mentioned)),
    posix.join('packages', first, 'src', ...rest),
  ];
}

/**
 * Whether a piece of code in the prose is a path of this repository: it has a directory, and an ending that files here
 * have, or begins where things here are. Patterns, URLs and paths of the machine are something else.
 */
function isPath(code: string): boolean {
  if (!/^[\w.@-]+(\/[\w.@-]+)+\/?$/.test(code)) return false;
  const top = new Set(files.map((path) => path.split('/')[0] ?? ''));
  const [first = ''] = code.split('/');
  return /\.(ts|tsx|mjs|cjs|js|md|json|sql|sh|service)$/.test(code) || (top.has(first) && first !== 'test');
}

function mentions(page: string, pattern: RegExp): { at: string; path: string }[] {
  const text = textOf(page) ?? '';
  return [...text.matchAll(pattern)].map((match) => ({
    at: `${place(page, text, match.index)}  ${match[1] ?? ''}`,
    path: (match[1] ?? '').replace(/\/$/, ''),
  }));
}

describe('the paths that the pages speak of', () => {
  it('exist', () => {
    const missing = files
      .filter((path) => path.endsWith('.md'))
      .flatMap((page) =>
        mentions(page, /`([^`\n]+)`/g)
          .filter(({ path }) => isPath(path))
          .filter(({ path }) => !candidates(path, page).some(exists)),
      );
    expect(missing.map(({ at }) => at)).toEqual([]);
  });
});

describe('the pages that the sources speak of', () => {
  it('exist', () => {
    const missing = files
      .filter((path) => /\.(ts|tsx|mjs|cjs|sql)$/.test(path) && !path.startsWith('test/repo/'))
      .flatMap((source) => mentions(source, /\b(docs\/[\w./-]+\.md)\b/g).filter(({ path }) => !exists(path)));
    expect(missing.map(({ at }) => at)).toEqual([]);
  });
});
