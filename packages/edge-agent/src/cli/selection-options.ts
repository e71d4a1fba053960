import type { Command } from 'commander';

/** What a command is about: a range of a lens, or one segment. */
export interface SelectionArguments {
  readonly lens?: string;
  readonly from?: string;
  readonly to?: string;
  readonly segment?: string;
}

/** Adds the options that say what a command is about. */
export function addSelection(command: Command): Command {
  return command
    .option('--lens <lens>', 'name of the lens, with --from and --to')
    .option('--from <time>', 'start: RFC 3339, epoch, 14:22:07 (UTC) or -45m')
    .option('--to <time>', 'end, exclusive')
    .option('--segment <id>', 'in place of --lens: a segment, as "segments" lists it');
}

/** The fields of a request that say what it is about. */
export function selectionFields({ lens, from, to, segment }: SelectionArguments): SelectionArguments {
  return {
    ...(lens === undefined ? {} : { lens }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(segment === undefined ? {} : { segment }),
  };
}
