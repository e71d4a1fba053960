import type { AppError } from '@gapless/shared/errors';

/** SSH_FX codes of SFTP version 3 (draft-ietf-secsh-filexfer-02 section 7). */
export const Status = {
  ok: 0,
  endOfFile: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  unsupported: 8,
} as const;

/** The status with which a client is told of an error. Version 3 has no code for a full disk: the message says it. */
export function statusOf(error: AppError): number {
  switch (error.kind) {
    case 'permission':
      return Status.permissionDenied;
    case 'not-found':
      return Status.noSuchFile;
    case 'unsupported':
      return Status.unsupported;
    default:
      return Status.failure;
  }
}

/** What the client may read: our own sentences, but of a fault only that there was one, and never a path of this machine. */
export function messageFor(error: AppError): string {
  if (error.kind === 'internal') return 'the server failed';
  if (error.code !== 'STORAGE_WRITE_FAILED') return error.message;
  const errno = typeof error.details['errno'] === 'string' ? error.details['errno'] : 'unknown error';
  const reason = errno === 'ENOSPC' || errno === 'EDQUOT' ? 'the disk is full' : 'the disk failed';
  return `the server could not store the data: ${reason} (${errno})`;
}
