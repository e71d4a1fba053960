import type { ProcessContext } from '@gapless/shared/cli';
import type { ConfigOverride } from '@gapless/shared/config';
import { environmentOverrides, loadConfig } from '@gapless/shared/config';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { Clock } from '@gapless/shared/time';
import type { Command } from 'commander';
import type { CentralConfig } from '../config.js';
import { centralConfigSchema } from '../config.js';

/** What commands take from the process. */
export interface CliContext extends ProcessContext {
  readonly clock: Clock;
  readonly step: StepHook;
}

/** Options by which every command finds the central that it speaks of. */
export interface PlaceOptions {
  readonly config?: string;
  readonly data?: string;
}

export function addPlaceOptions(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (YAML)')
    .option('--data <dir>', 'data directory; by default ./gapless-data');
}

/** The configuration: defaults, then the file, then the environment, then flags. */
export async function configOf(
  context: CliContext,
  options: PlaceOptions & { readonly http?: string; readonly sftp?: string },
): Promise<CentralConfig> {
  const overrides: ConfigOverride[] = environmentOverrides(
    centralConfigSchema,
    context.env,
    'GAPLESS_CENTRAL',
  );
  if (options.data !== undefined) overrides.push({ path: 'dataDir', value: options.data, origin: '--data' });
  if (options.http !== undefined)
    overrides.push({ path: 'http.listen', value: options.http, origin: '--http' });
  if (options.sftp !== undefined)
    overrides.push({ path: 'sftp.listen', value: options.sftp, origin: '--sftp' });
  return loadConfig({
    schema: centralConfigSchema,
    path: options.config,
    overrides,
    environment: context.env,
  });
}
