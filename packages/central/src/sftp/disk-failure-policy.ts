import type { AppError } from '@gapless/shared/errors';

/** Failures that pass when space is freed, and after which what was written before still stands. */
const PASSING = new Set<unknown>(['ENOSPC', 'EDQUOT']);

/**
 * Whether a failed disk operation ends a partial file for good. After a failed sync the kernel may have dropped pages that
 * were never written and report success the next time; after an I/O error nothing about the file is sure. A file that
 * could not even be opened has lost nothing.
 */
export function isFinal(error: AppError): boolean {
  const { operation, errno } = error.details;
  if (operation === 'sync' || operation === 'close') return true;
  return (operation === 'write' || operation === 'truncate') && !PASSING.has(errno);
}
