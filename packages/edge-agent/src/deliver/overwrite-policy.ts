import type { Overwrite } from './request.js';

/** What has the name that an upload is to have. */
export interface Found {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
}

export interface Meeting {
  readonly overwrite: Overwrite;
  /** What is to be there. */
  readonly sizeBytes: number;
  /** The agent may have given the name itself, and not have noted it any more. */
  readonly isPublishing: boolean;
}

/**
 * What to do about what is there: nothing is (`free`); it may be the very thing, which reading it back shows (`compare`),
 * and if not it counts as `else`; it goes (`replace`); or it stays and the upload fails (`refuse`).
 */
export type Verdict =
  | { readonly does: 'free' | 'replace' | 'refuse' }
  | { readonly does: 'compare'; readonly else: 'replace' | 'refuse' };

export function meet(found: Found | undefined, { overwrite, sizeBytes, isPublishing }: Meeting): Verdict {
  if (!found) return { does: 'free' };
  if (found.kind === 'directory') return { does: 'refuse' };
  const otherwise = overwrite === 'never' ? 'refuse' : 'replace';
  const mayBeIt = found.kind === 'file' && found.sizeBytes === sizeBytes;
  if (mayBeIt && (isPublishing || overwrite === 'if-different')) return { does: 'compare', else: otherwise };
  return { does: otherwise };
}
