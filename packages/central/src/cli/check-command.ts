import { resolve } from 'node:path';
import type { CliOutput } from '@gapless/shared/cli';
import { exitCodes } from '@gapless/shared/cli';
import { nodeDisk } from '@gapless/shared/fs';
import { systemClock } from '@gapless/shared/time';
import type { Command } from 'commander';
import type { CheckPort, Finding, Report } from '../check/index.js';
import { checkStore, invariants, repairAll, withStoredFile } from '../check/index.js';
import type { CentralConfig } from '../config.js';
import type { StoredObject } from '../store/index.js';
import { DataLayout, Store, StoreView } from '../store/index.js';
import { proveSegment } from '../verify/index.js';
import type { CliContext, PlaceOptions } from './context.js';
import { addPlaceOptions, configOf } from './context.js';

interface CheckOptions extends PlaceOptions {
  readonly readData?: boolean;
  readonly repair?: boolean;
}

export function addCheckCommand(program: Command, output: CliOutput, context: CliContext): void {
  addPlaceOptions(
    program
      .command('check')
      .description(
        'hold the catalogue against itself and against the disk; changes nothing without --repair',
      ),
  )
    .option('--read-data', 'read all footage and prove it again: hash, structure, identity, seal')
    .option('--repair', 'put right what follows from what is known; central must be stopped')
    .action(async (options: CheckOptions) => {
      const config = await configOf(context, options);
      const layout = new DataLayout(resolve(config.dataDir));
      // Nobody may write meanwhile, from the first look to the last change.
      using alone = options.repair ? Store.openAlone(layout.dataDir, systemClock) : undefined;
      const lookNow = (): Promise<Report> => look({ config, layout, options, alone }, output, context);
      if (!alone) {
        tell(output, await lookNow(), []);
        return;
      }
      const port = { store: alone, layout, disk: nodeDisk, clock: systemClock };
      const { repaired, left } = await repairAll(port, lookNow);
      tell(output, left, repaired);
    });
}

async function look(
  place: { config: CentralConfig; layout: DataLayout; options: CheckOptions; alone: Store | undefined },
  output: CliOutput,
  context: CliContext,
): Promise<Report> {
  const { config, layout, options, alone } = place;
  using view = alone ? undefined : new StoreView(layout.dataDir);
  const catalogue = alone ? wholeOf(alone) : view!;
  using progress = output.progress('check');
  return await checkStore({
    catalogue,
    layout,
    inboxDir: config.sftp.external ? resolve(config.sftp.external.inboxDir) : layout.inboxDir,
    disk: nodeDisk,
    clock: systemClock,
    signal: context.shutdown,
    prove: options.readData ? proverOf(catalogue, context.shutdown) : undefined,
    onProgress: (objects) => progress.update({ done: objects, note: 'objects' }),
  });
}

/** Reads a stored file once more, as when it came. */
function proverOf(catalogue: CheckPort['catalogue'], signal: AbortSignal): CheckPort['prove'] {
  return (object: StoredObject, path: string, vehicleId: number) => {
    const vehicle = catalogue.snapshot((tables) => tables.vehicles.byId(vehicleId)!);
    const expected = {
      ...object,
      ...object.expected!,
      vehicle: vehicle.name,
      evidenceKey: vehicle.evidenceKey,
    };
    return withStoredFile(path, signal, (file, sha256) => proveSegment(file, sha256, expected));
  };
}

/** A catalogue that nobody else has open does not change while it is looked at. */
function wholeOf(store: Store): CheckPort['catalogue'] {
  return { snapshot: (read) => read(store.read), damage: () => store.damage() };
}

function tell(output: CliOutput, { findings, checked }: Report, repaired: readonly Finding[]): void {
  const show = ({ invariant, subject, message, repair }: Finding): object => ({
    invariant,
    subject,
    message,
    repairable: repair !== undefined,
  });
  const answer = {
    ok: findings.length === 0,
    checked,
    findings: findings.map(show),
    repaired: repaired.map(show),
  };
  output.print(answer, () => '');
  if (!output.json) {
    if (repaired.length > 0) output.say(`Put right: ${repaired.length}.`);
    output.table(
      [
        { title: 'RULE', value: (one) => one.invariant },
        { title: 'WHAT', value: (one) => one.subject },
        { title: 'FOUND', value: (one) => one.message },
      ],
      findings,
      `In order: ${checked.objects} objects, ${checked.lenses} lenses, ${checked.files} files.`,
    );
    for (const number of new Set(findings.map(({ invariant }) => invariant)))
      output.say(`Rule ${number}: ${invariants[number]}`);
  }
  if (findings.length > 0) output.io.setExitCode(exitCodes.failed);
}
