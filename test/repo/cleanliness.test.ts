import { describe, expect, it } from 'vitest';
import { occurrences, writtenFiles } from './tree.js';

/** Built from parts, so that this file does not find itself. */
const files = writtenFiles().filter((path) => path !== 'test/repo/cleanliness.test.ts');

describe('the repository', () => {
  it('names no path of anyone’s machine', () => {
    // A temporary directory comes from os.tmpdir(), which another machine answers differently.
    const machine = /(?<![\w.$}~-])\/(?:work|tmp|root|home\/[a-z][\w-]*|Users\/\w+)\/[\w.$*-]*/g;
    expect(occurrences(machine, files)).toEqual([]);
  });

  it('names no package registry: which one is used is a matter of the machine', () => {
    const registry = /\bregistry\.[a-z0-9-]+\.[a-z]{2,}|\b(?:artifactory|nexus|verdaccio)\b|^registry\s*=/gim;
    expect(occurrences(registry, [...files, 'pnpm-lock.yaml'])).toEqual([]);
  });

  it('ends every text file with a newline and leaves no spaces at the ends of lines', () => {
    const texts = files.filter(
      (path) => /\.(ts|tsx|mjs|cjs|js|json|ya?ml|md|css|sql|sh)$/.test(path) && !path.startsWith('fixtures/'),
    );
    expect(occurrences(/[^\n](?![\s\S])/g, texts)).toEqual([]);
    expect(
      occurrences(
        /[ \t]+$/gm,
        texts.filter((path) => !path.endsWith('.md')),
      ),
    ).toEqual([]);
  });
});
