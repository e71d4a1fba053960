/** Bytes `[from, to)`. */
export interface AskedRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Reads a `Range` header (RFC 9110 section 14.2). Several ranges at once, other units and malformed ones are answered
 * with the whole, as the standard allows; `If-Range` with another entity tag as well.
 *
 * @param file.etag with its quotes
 * @returns `undefined` for the whole
 */
export function byteRangeOf(
  range: string | undefined,
  ifRange: string | string[] | undefined,
  file: { length: number; etag: string },
): AskedRange | 'unsatisfiable' | undefined {
  const match = /^bytes=[ \t]*(\d*)-(\d*)$/i.exec(range?.trim() ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  if (ifRange !== undefined && ifRange !== file.etag) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') {
    const suffix = Number(last);
    return suffix === 0 || file.length === 0
      ? 'unsatisfiable'
      : { from: Math.max(0, file.length - suffix), to: file.length };
  }
  const from = Number(first);
  if (last !== '' && Number(last) < from) return undefined;
  if (from >= file.length) return 'unsatisfiable';
  return { from, to: last === '' ? file.length : Math.min(Number(last) + 1, file.length) };
}

/**
 * Whether `If-None-Match` names the entity tag (RFC 9110 section 13.1.2): any of a list, compared weakly.
 *
 * @param etag with its quotes
 */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
}
