import { describe, expect, it } from 'vitest';
import { lineText, span } from './line.js';

const plain = { colour: false, unicode: true };

describe('lineText', () => {
  it('cuts what would wrap', () => {
    expect(lineText([span('tram'), span('-214', 'red')], 6, plain)).toBe('tram-2');
  });

  it('leaves no spaces at the end', () => {
    expect(lineText([span('tram  ')], 10, plain)).toBe('tram');
  });

  it('colours only where colours are wanted, and counts no colour as a character', () => {
    const line = [span('tram', 'red'), span('-214')];
    expect(lineText(line, 6, { colour: true, unicode: true })).toBe('\u001b[31mtram\u001b[0m-2');
    expect(lineText(line, 6, plain)).toBe('tram-2');
  });
});
