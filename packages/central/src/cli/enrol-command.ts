import type { CliOutput } from '@gapless/shared/cli';
import { parseVehicleId } from '@gapless/shared/ids';
import type { Command } from 'commander';
import { ApiClient } from './api-client.js';
import type { CliContext, PlaceOptions } from './context.js';
import { addPlaceOptions } from './context.js';

export function addEnrolCommand(program: Command, output: CliOutput, context: CliContext): void {
  addPlaceOptions(
    program
      .command('enroll')
      .description('make a one-time code with which a vehicle enrols')
      .argument('<vehicle>', 'name of the vehicle, as in its configuration'),
  ).action(async (name: string, options: PlaceOptions) => {
    const vehicle = parseVehicleId(name);
    const client = await ApiClient.find(context, options);
    const claim = await client.post<{ vehicle: string; code: string; expires: string }>(
      `/api/v1/vehicles/${vehicle}/claim`,
    );
    output.print(claim, () =>
      [
        claim.code,
        '',
        `Good once, until ${claim.expires}. On the vehicle:`,
        `  gapless-edge enroll --central URL --code ${claim.code}`,
      ].join('\n'),
    );
  });
}
