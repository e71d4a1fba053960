import { errorCatalogue, errorKinds } from '@gapless/shared/errors';
import { describe, expect, it } from 'vitest';
import { errorsPage } from '../../scripts/docs.mjs';
import { textOf, writtenFiles } from './tree.js';

describe('docs/errors.md', () => {
  const page = textOf('docs/errors.md') ?? '';

  it('has every code of the catalogue, and no other', () => {
    const onPage = [...page.matchAll(/^\| `([A-Z0-9_]+)` /gm)].map(([, code]) => code);
    expect(onPage).toEqual(Object.keys(errorCatalogue).sort());
  });

  it('is what the catalogue makes it', async () => {
    // Compared as a whole: the difference between two wide tables tells nobody anything.
    const isFresh = page === (await errorsPage(errorCatalogue, errorKinds));
    expect(isFresh, 'docs/errors.md is stale. Run: node scripts/docs.mjs').toBe(true);
  });
});

describe('the error catalogue', () => {
  it('has codes that someone uses', () => {
    const text = writtenFiles('packages')
      .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('errors/catalogue.ts'))
      .map((path) => textOf(path) ?? '')
      .join('\n');
    const unused = Object.keys(errorCatalogue).filter((code) => !new RegExp(`\\b${code}\\b`).test(text));
    expect(unused).toEqual([]);
  });

  it('names every code STAGE_WHAT and means it in one sentence', () => {
    for (const [code, [, meaning]] of Object.entries(errorCatalogue)) {
      expect(code).toMatch(/^[A-Z0-9]+(_[A-Z0-9]+)*$/);
      expect(meaning).toMatch(/^[A-Z].*\.$/);
      expect(meaning).not.toContain('\n');
    }
  });
});
