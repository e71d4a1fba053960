import { describe, expect, it } from 'vitest';
import { segmentsForMovie } from './movie-needs.js';

describe(segmentsForMovie, () => {
  /** Segments of ten seconds; `-` cannot be decoded without the one before it. */
  const segments = (drawing: string) =>
    Array.from(drawing, (mark, i) => ({ startMs: i * 10, endMs: i * 10 + 10, startsWithSync: mark === '#' }));

  it.each([
    { note: 'one more on each side', drawing: '######', range: [25, 35], span: [1, 5] },
    { note: 'back to a sync sample, and one more', drawing: '##--##', range: [35, 38], span: [0, 5] },
    { note: 'no further than there are segments', drawing: '###', range: [0, 30], span: [0, 3] },
    { note: 'nothing where nothing is', drawing: '###', range: [30, 40], span: [0, 0] },
  ])('takes $note', ({ drawing, range: [startMs, endMs], span: [first, end] }) => {
    const range = { startMs: startMs!, endMs: endMs! };
    expect(segmentsForMovie(segments(drawing), range)).toEqual({ first, end });
  });
});
