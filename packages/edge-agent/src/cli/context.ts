import { environmentOverrides, loadConfig } from '@gapless/shared/config';
import type { EdgeConfig } from '../config.js';
import { edgeConfigSchema } from '../config.js';

/** What commands take from the process. */
export interface CliContext {
  /** Aborts when the process is asked to stop. */
  readonly shutdown: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const DEFAULT_CONFIG = '/etc/gapless/edge.yml';

/** The configuration: defaults, then the file, then the environment. */
export function configOf(context: CliContext, path: string): Promise<EdgeConfig> {
  const overrides = environmentOverrides(edgeConfigSchema, context.env, 'GAPLESS_EDGE');
  return loadConfig({ schema: edgeConfigSchema, path, overrides, environment: context.env });
}
