import type { ProcessContext } from '@gapless/shared/cli';
import { environmentOverrides, loadConfig } from '@gapless/shared/config';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { Clock } from '@gapless/shared/time';
import type { EdgeConfig } from '../config.js';
import { edgeConfigSchema } from '../config.js';

/** What commands take from the process. */
export interface CliContext extends ProcessContext {
  readonly clock: Clock;
  readonly step: StepHook;
  readonly bootId: () => Promise<string>;
  /** Where a person answers questions. */
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** For results that are bytes, not text. */
  readonly stdout: NodeJS.WritableStream;
}

export const DEFAULT_CONFIG = '/etc/gapless/edge.yml';

/** The configuration: defaults, then the file, then the environment. */
export function configOf(context: CliContext, path: string): Promise<EdgeConfig> {
  const overrides = environmentOverrides(edgeConfigSchema, context.env, 'GAPLESS_EDGE');
  return loadConfig({ schema: edgeConfigSchema, path, overrides, environment: context.env });
}
