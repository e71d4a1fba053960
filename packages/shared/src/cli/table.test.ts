import { describe, expect, it } from 'vitest';
import { formatTable } from './table.js';

describe('formatTable', () => {
  const columns = [
    { title: 'LENS', value: (row: readonly [string, number | undefined, string]) => row[0] },
    { title: 'GAPS', value: (row: readonly [string, number | undefined, string]) => row[1] },
    {
      title: 'SIZE',
      value: (row: readonly [string, number | undefined, string]) => row[2],
      align: 'right' as const,
    },
  ];

  it('aligns columns, numbers to the right', () => {
    expect(
      formatTable(columns, [
        ['bus-042/front', 2, '1.9 GB'],
        ['a/b', 12_345, '512 kB'],
        ['c/d', undefined, ''],
      ]),
    ).toBe(
      [
        'LENS            GAPS    SIZE',
        'bus-042/front      2  1.9 GB',
        'a/b            12345  512 kB',
        'c/d',
        '',
      ].join('\n'),
    );
  });

  it('lets no text from outside command the terminal', () => {
    expect(formatTable(columns, [['a\u001b[31m\nb\u202ec', 1, '']])).toBe(
      'LENS        GAPS  SIZE\na?[31m?b?c     1\n',
    );
  });

  it('is only its head without rows, and nothing without columns', () => {
    expect(formatTable(columns, [])).toBe('LENS  GAPS  SIZE\n');
    expect(formatTable([], [1, 2])).toBe('');
  });
});
