import { AppError } from '../errors/index.js';

/**
 * Says that bytes break the rules of their container.
 *
 * @param box type of the box at fault
 * @param at its offset from the start of the bytes that were handed in
 * @param wrong what is wrong with it, as the rest of a sentence: `says it has 7 bytes, fewer than its header`
 */
export function mp4Invalid(box: string, at: number, wrong: string, cause?: unknown): AppError {
  return new AppError('MP4_INVALID', `${printable(box)} at byte ${at} ${wrong}`, {
    details: { box: printable(box), at },
    cause,
  });
}

/** Says that bytes are in order, but need something that Gapless does not do. */
export function mp4Unsupported(box: string, at: number, wrong: string): AppError {
  return new AppError('MP4_UNSUPPORTED', `${printable(box)} at byte ${at} ${wrong}`, {
    details: { box: printable(box), at },
  });
}

/** Says that a bound was passed. */
export function mp4TooLarge(box: string, at: number, wrong: string): AppError {
  return new AppError('MP4_TOO_LARGE', `${printable(box)} at byte ${at} ${wrong}`, {
    details: { box: printable(box), at },
  });
}

/** A box type for a message: types are four bytes of anything, and messages end up in logs and terminals. */
function printable(type: string): string {
  return /^[\x20-\x7e]+$/.test(type) ? type : `box ${JSON.stringify(type).replace(/[^\x20-\x7e]/g, '?')}`;
}
