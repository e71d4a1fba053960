import type { LensName } from '@gapless/shared/ids';
import type { EdgeConfig } from '../config.js';

/** What another configuration comes to while the agent runs. */
export interface ReloadPlan {
  /** What is in force from now on: the new one, but for what cannot change. */
  readonly config: EdgeConfig;
  /** Keys whose new value is in force. */
  readonly changed: readonly string[];
  /** Keys whose new value waits for the next start. */
  readonly needsRestart: readonly string[];
}

/** What a reload did; lenses that are not named recorded on. */
export interface Reloaded extends Omit<ReloadPlan, 'config'> {
  readonly started: readonly LensName[];
  readonly ended: readonly LensName[];
  readonly restarted: readonly LensName[];
}

/**
 * Compares two configurations. Whose the recordings are, where they lie and where they go stays until the next start:
 * files, keys and the link were made for that.
 */
export function planReload(before: EdgeConfig, after: EdgeConfig): ReloadPlan {
  const config: EdgeConfig = {
    ...before,
    lenses: after.lenses,
    recording: after.recording,
    ffmpeg: after.ffmpeg,
    storage: { ...after.storage, dir: before.storage.dir },
    upload: after.upload,
    log: after.log,
  };
  return { config, changed: changedKeys(before, config), needsRestart: changedKeys(config, after) };
}

/** Dotted keys at which two values differ; what only one of them has counts as one key, however much lies below it. */
function changedKeys(before: unknown, after: unknown, path: readonly string[] = []): string[] {
  if (!isSection(before) || !isSection(after))
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [path.join('.')];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => changedKeys(before[key], after[key], [...path, key]));
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
