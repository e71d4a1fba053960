/** Bounds on requests that have arrived and are not answered yet. */
export interface PressureLimits {
  /** One session stops being read above this. */
  readonly sessionBytes: number;
  /** Above this in all sessions together, … */
  readonly totalBytes: number;
  /** … a session may hold only this much. */
  readonly shareBytes: number;
}

export const DEFAULT_PRESSURE: PressureLimits = {
  sessionBytes: 4 * 1024 * 1024,
  totalBytes: 128 * 1024 * 1024,
  shareBytes: 512 * 1024,
};

/** What a queued request costs in memory beside its bytes, so that a flood of tiny ones is bounded too. */
export const REQUEST_OVERHEAD_BYTES = 512;

/**
 * Whether a session's socket must rest. ssh2 opens the SSH window again as soon as a write is parsed, not when it is
 * answered, so without this a client that pipelines freely fills the server's memory.
 */
export function mustRest(sessionBytes: number, totalBytes: number, limits: PressureLimits): boolean {
  return (
    sessionBytes > limits.sessionBytes || (totalBytes > limits.totalBytes && sessionBytes > limits.shareBytes)
  );
}
