import { describe, expect, test } from 'vitest';
import { meet } from './overwrite-policy.js';

const same = { kind: 'file', sizeBytes: 10 } as const;
const other = { kind: 'file', sizeBytes: 11 } as const;
const directory = { kind: 'directory', sizeBytes: 10 } as const;
const link = { kind: 'other', sizeBytes: 10 } as const;

describe('meet', () => {
  test.each([
    {
      note: 'nothing there',
      found: undefined,
      overwrite: 'never',
      isPublishing: false,
      verdict: { does: 'free' },
    },
    {
      note: 'something there',
      found: same,
      overwrite: 'never',
      isPublishing: false,
      verdict: { does: 'refuse' },
    },
    {
      note: 'what may be ours, after a crash',
      found: same,
      overwrite: 'never',
      isPublishing: true,
      verdict: { does: 'compare', else: 'refuse' },
    },
    {
      note: 'what cannot be ours',
      found: other,
      overwrite: 'never',
      isPublishing: true,
      verdict: { does: 'refuse' },
    },
    {
      note: 'the same size',
      found: same,
      overwrite: 'if-different',
      isPublishing: false,
      verdict: { does: 'compare', else: 'replace' },
    },
    {
      note: 'another size',
      found: other,
      overwrite: 'if-different',
      isPublishing: false,
      verdict: { does: 'replace' },
    },
    {
      note: 'a link',
      found: link,
      overwrite: 'if-different',
      isPublishing: false,
      verdict: { does: 'replace' },
    },
    { note: 'anything', found: same, overwrite: 'always', isPublishing: false, verdict: { does: 'replace' } },
    {
      note: 'anything, after a crash',
      found: same,
      overwrite: 'always',
      isPublishing: true,
      verdict: { does: 'compare', else: 'replace' },
    },
    {
      note: 'a directory',
      found: directory,
      overwrite: 'always',
      isPublishing: false,
      verdict: { does: 'refuse' },
    },
    {
      note: 'a directory, after a crash',
      found: directory,
      overwrite: 'if-different',
      isPublishing: true,
      verdict: { does: 'refuse' },
    },
  ] as const)('$note, $overwrite', ({ found, overwrite, isPublishing, verdict }) => {
    expect(meet(found, { overwrite, sizeBytes: 10, isPublishing })).toEqual(verdict);
  });
});
