import { HOUR_MS, parseSpan, SECOND_MS, spanText } from '@gapless/shared/time';
import type { DurationMs } from '@gapless/shared/time';
import { UsageFailure } from './failure.js';

/** What the command line says. */
export interface DemoArguments {
  /** How long the link is cut, as typed. */
  readonly tunnel?: string;
  readonly keep: boolean;
  readonly json: boolean;
  readonly headless: boolean;
  /** Path of ffmpeg. */
  readonly ffmpeg: string;
}

export interface Settings extends Omit<DemoArguments, 'tunnel'> {
  readonly tunnelMs: DurationMs;
}

const DEFAULT_TUNNEL_MS = 20 * SECOND_MS;
const MIN_TUNNEL_MS = SECOND_MS;
const MAX_TUNNEL_MS = HOUR_MS;

/** @throws UsageFailure */
export function settingsOf({ tunnel, ...rest }: DemoArguments): Settings {
  const tunnelMs = tunnel === undefined ? DEFAULT_TUNNEL_MS : parseSpan(tunnel);
  if (tunnelMs === undefined)
    throw new UsageFailure(`--tunnel takes a length of time such as 20s, 45s or 1m30s, not "${tunnel}".`);
  if (tunnelMs < MIN_TUNNEL_MS || tunnelMs > MAX_TUNNEL_MS)
    throw new UsageFailure(
      `--tunnel takes ${spanText(MIN_TUNNEL_MS)} to ${spanText(MAX_TUNNEL_MS)}, not ${spanText(tunnelMs)}.`,
    );
  return { ...rest, tunnelMs };
}
