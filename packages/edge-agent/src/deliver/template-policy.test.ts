import { describe, expect, it, test } from 'vitest';
import { fillTemplate, parseTemplate, partialPath, requireTokenValue, tokensOf } from './template-policy.js';

const values = {
  vehicle: 'bus-042',
  lens: 'front',
  date: '2026-08-22',
  start: '20260822T165728123Z',
  name: 'a.mp4',
  sha256: 'f'.repeat(64),
};
const fill = (path: string, more: Record<string, string> = {}): string =>
  fillTemplate(parseTemplate(path), { ...values, ...more });

describe('fillTemplate', () => {
  test.each([
    ['/archive/{vehicle}/{lens}/{date}/{name}', '/archive/bus-042/front/2026-08-22/a.mp4'],
    ['/in/{start}_{lens}.mp4', '/in/20260822T165728123Z_front.mp4'],
    ['/in/', '/in/a.mp4'],
    ['/', '/a.mp4'],
    ['/~/in/{name}', 'in/a.mp4'],
    ['/~/', 'a.mp4'],
    ['/a//b/{name}', '/a/b/a.mp4'],
    ['/%C3%BC%20b/{name}', '/ü b/a.mp4'],
    ['/~x/{name}', '/~x/a.mp4'],
  ])('makes of %s %s', (path, made) => {
    expect(fill(path)).toBe(made);
  });

  test.each([
    ['/a/../{name}', 'leads upwards'],
    ['/a/./{name}', 'stands still'],
    ['/%2e%2e/{name}', 'leads upwards, encoded'],
    ['/a%2Fb/{name}', 'hides a slash'],
    ['/a%00/{name}', 'hides a zero'],
    ['/a%0A/{name}', 'hides a line'],
    ['/a\\b/{name}', 'has the slash of others'],
    ['/%zz/{name}', 'is not encoded'],
    ['/{}', 'has a token without a name'],
    ['/{name', 'has half a brace'],
    ['/na}me', 'has the other half'],
    ['/{{name}}', 'has two'],
    ['/{na/me}', 'has a slash in a name'],
  ])('refuses %s, which %s', (path) => {
    expect(() => parseTemplate(path)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }) as Error);
  });

  test.each(['', '.', '..', '../x', 'a/b', 'a\\b', '/etc/passwd', 'a\0b', 'a\nb', 'a\u202eb', '\ud800'])(
    'does not take %j for a value',
    (value) => {
      expect(() => fill('/in/{case}/{name}', { case: value })).toThrow('the token {case} cannot be');
      expect(() => requireTokenValue('case', value)).toThrow('the token {case} cannot be');
    },
  );

  it('does not let values make a way upwards together', () => {
    expect(() => fill('/in/{a}{b}/{name}', { a: '.', b: '.' })).toThrow();
    expect(() => fill('/in/{a}./{name}', { a: '.' })).toThrow();
  });

  it('names what was probably meant', () => {
    expect(() => fill('/{vehcle}/{name}')).toThrow(
      expect.objectContaining({
        message: 'there is no token {vehcle}',
        hint: expect.stringContaining('Did you mean {vehicle}?') as string,
      }) as Error,
    );
    expect(() => fill('/{cases}/{name}', { case: '7' })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('Did you mean {case}?') as string }) as Error,
    );
  });

  it('says what a file does not have', () => {
    const file = { vehicle: 'bus-042', name: 'a.bin' };
    expect(() => fillTemplate(parseTemplate('/{lens}/{name}'), file)).toThrow('"a.bin" has no {lens}');
  });

  it('does not take what every object has for a token', () => {
    expect(() => fill('/{constructor}')).toThrow('there is no token {constructor}');
  });

  it('keeps room for the partial name', () => {
    const name = 'x'.repeat(300);
    expect(() => fill('/{name}', { name })).toThrow('is longer than a name may be');
    const longest = fill('/{name}', { name: 'x'.repeat(232) });
    expect(partialPath(longest, values.sha256).length - 1).toBeLessThanOrEqual(255);
    expect(() => fill('/{name}', { name: 'é'.repeat(120) })).toThrow('is longer than a name may be');
  });
});

describe('tokensOf', () => {
  it('names each token once', () => {
    expect([...tokensOf(parseTemplate('/{a}/{b}-{a}/{name}'))]).toEqual(['a', 'b', 'name']);
  });
});
