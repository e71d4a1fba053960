import type { AppError } from '@gapless/shared/errors';
import type { AbsenceReason, RunEndReason } from '@gapless/shared/protocol';

/** How an error that ended a run is told in the catalogue. */
export function runEndOf(error: AppError): RunEndReason {
  if (error.code === 'RECORD_CODEC_CHANGED' || error.code === 'MP4_RESTARTED') return 'codec-change';
  if (error.code.startsWith('MP4_') || error.code.startsWith('RECORD_')) return 'invalid-media';
  if (error.code.startsWith('STORAGE_')) return 'disk';
  return 'crashed';
}

/** Why there is no footage after a run that ended so. */
export function absenceAfter(reason: RunEndReason): AbsenceReason {
  switch (reason) {
    case 'stopped':
      return 'off';
    case 'crashed':
    case 'stalled':
    case 'codec-change':
    case 'invalid-media':
      return 'no-signal';
    case 'disk':
    case 'power-loss':
      return 'unexplained';
  }
}
