/** Milliseconds since the Unix epoch, UTC; always an integer. The only unit for instants outside `isobmff`. */
export type EpochMs = number;

/** A length of time in integer milliseconds. */
export type DurationMs = number;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/**
 * The instants that Gapless accepts from outside: 1970 to the end of year 9999, where RFC 3339 ends.
 * A box without a battery-backed clock boots in 1970 and records at once, so the lower bound is 0.
 */
export const MIN_EPOCH_MS: EpochMs = 0;
export const MAX_EPOCH_MS: EpochMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** No footage is older than this: a clock that stands before it does not know the time. */
export const PLAUSIBLE_FROM_MS: EpochMs = Date.UTC(2020, 0, 1);

export function isEpochMs(value: unknown): value is EpochMs {
  return (
    Number.isSafeInteger(value) && (value as number) >= MIN_EPOCH_MS && (value as number) <= MAX_EPOCH_MS
  );
}
