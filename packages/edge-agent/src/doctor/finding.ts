/** What was looked at. */
export const areas = ['agent', 'ffmpeg', 'disk', 'permissions', 'link', 'clock', 'sftp', 'camera'] as const;
export type Area = (typeof areas)[number];

/** `warning`: works, and will disappoint some day. `failed`: does not work. */
export type Verdict = 'ok' | 'warning' | 'failed';

/** One thing that was looked at, in words that an engineer can act on. */
export interface Diagnosis {
  readonly verdict: Verdict;
  /** What was found, as one sentence. Never a secret. */
  readonly detail: string;
  /** What to do about it; undefined if and only if nothing has to be done. */
  readonly remedy?: string;
}

export interface Finding extends Diagnosis {
  readonly area: Area;
  /** The lens, for a camera. */
  readonly lens?: string;
}

export function ok(detail: string): Diagnosis {
  return { verdict: 'ok', detail };
}

export function warning(detail: string, remedy: string): Diagnosis {
  return { verdict: 'warning', detail, remedy };
}

export function failed(detail: string, remedy: string): Diagnosis {
  return { verdict: 'failed', detail, remedy };
}
