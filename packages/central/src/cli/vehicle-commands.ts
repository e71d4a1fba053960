import type { CliOutput } from '@gapless/shared/cli';
import { parseVehicleId } from '@gapless/shared/ids';
import type { Command } from 'commander';
import { ApiClient } from './api-client.js';
import type { CliContext, PlaceOptions } from './context.js';
import { addPlaceOptions } from './context.js';

interface VehicleAnswer {
  readonly vehicle: string;
  readonly state: string;
  readonly connected: boolean;
  readonly lastSeen?: string;
  readonly forecast?: { readonly overwriteEta: string; readonly lens: string };
  readonly lenses: readonly { readonly lens: string; readonly state: string }[];
}

export function addVehicleCommands(program: Command, output: CliOutput, context: CliContext): void {
  addPlaceOptions(program.command('vehicles').description('list the vehicles')).action(
    async (options: PlaceOptions) => {
      const client = await ApiClient.find(context, options);
      const { items } = await client.get<{ items: VehicleAnswer[] }>('/api/v1/vehicles');
      output.table(
        [
          { title: 'VEHICLE', value: (one) => one.vehicle },
          {
            title: 'STATE',
            value: (one) =>
              one.state === 'enrolled' ? (one.connected ? 'connected' : 'offline') : one.state,
          },
          { title: 'LAST SEEN', value: (one) => one.lastSeen ?? 'never' },
          {
            title: 'LOSES FOOTAGE',
            value: (one) => (one.forecast ? `${one.forecast.overwriteEta} (${one.forecast.lens})` : ''),
          },
          {
            title: 'LENSES',
            value: (one) => one.lenses.map(({ lens, state }) => `${lens} (${state})`).join(', '),
          },
        ],
        items,
        'No vehicles yet. Enrol the first: gapless-central enroll VEHICLE.',
      );
    },
  );

  addPlaceOptions(
    program
      .command('revoke')
      .description('shut a vehicle out at once; its footage stays, and enrolling it again lets it back in')
      .argument('<vehicle>', 'name of the vehicle'),
  ).action(async (name: string, options: PlaceOptions) => {
    const vehicle = parseVehicleId(name);
    const client = await ApiClient.find(context, options);
    const answer = await client.post<object>(`/api/v1/vehicles/${vehicle}/revoke`);
    output.print(
      answer,
      () => `${vehicle} is shut out. To let it back in: gapless-central enroll ${vehicle}`,
    );
  });
}
