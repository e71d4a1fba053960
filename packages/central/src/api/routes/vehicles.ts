import { AppError } from '@gapless/shared/errors';
import type { Routes } from '@gapless/shared/http';
import { instant } from '@gapless/shared/http';
import { formatUtc } from '@gapless/shared/time';
import { z } from 'zod';
import type { Lens, Vehicle } from '../../store/index.js';
import type { ApiPort } from '../port.js';
import { vehicleParams } from '../values.js';

const lens = z
  .object({
    lens: z.string(),
    live: z.enum(['push', 'off']).describe('Whether the lens streams while it records'),
    state: z.enum(['recording', 'no-signal', 'stopped']).describe('As the vehicle last said'),
    detail: z.string().optional().describe('Why there is no signal'),
    asOf: instant.optional().describe("The vehicle's last word on this lens reaches up to here"),
    expectedSince: instant.optional().describe('Footage is expected from here on'),
    overwriteEta: instant
      .optional()
      .describe('When the vehicle expects to lose footage that is not here; absent when it does not'),
  })
  .meta({ id: 'Lens' });

const vehicle = z
  .object({
    vehicle: z.string(),
    state: z.enum(['enrolled', 'revoked', 'conflict']),
    connected: z.boolean(),
    lastSeen: instant.optional(),
    enrolled: instant,
    agentVersion: z.string().optional(),
    storage: z.object({ usedBytes: z.int(), freeBytes: z.int() }).optional().describe("The vehicle's disk"),
    forecast: z
      .object({ overwriteEta: instant, lens: z.string() })
      .optional()
      .describe(
        'The first footage that will be lost as things go now, and of which lens; absent when none will',
      ),
    lenses: z.array(lens),
  })
  .meta({ id: 'Vehicle' });

export function vehicleRoutes(routes: Routes, port: ApiPort): void {
  const { read } = port.store;

  routes.get(
    '/vehicles',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['vehicles'],
        summary: 'All vehicles with their lenses',
        response: { 200: z.object({ items: z.array(vehicle) }) },
      },
    },
    () => {
      port.store.flush();
      return { items: read.vehicles.all().map((one) => showVehicle(port, one)) };
    },
  );

  routes.get(
    '/vehicles/:vehicle',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['vehicles'],
        summary: 'One vehicle',
        params: vehicleParams,
        response: { 200: vehicle },
      },
    },
    (request) => {
      port.store.flush();
      return showVehicle(port, vehicleOf(port, request.params.vehicle));
    },
  );

  routes.get(
    '/vehicles/:vehicle/lenses',
    {
      config: { access: 'viewer' },
      schema: {
        tags: ['vehicles'],
        summary: 'The lenses of a vehicle',
        params: vehicleParams,
        response: { 200: z.object({ items: z.array(lens) }) },
      },
    },
    (request) => {
      port.store.flush();
      return { items: read.lenses.ofVehicle(vehicleOf(port, request.params.vehicle).id).map(showLens) };
    },
  );
}

function vehicleOf(port: ApiPort, name: string): Vehicle {
  const found = port.store.read.vehicles.byName(name);
  if (found) return found;
  throw new AppError('VEHICLE_UNKNOWN', `there is no vehicle ${name}`, {
    hint: 'Enrol it first: gapless-central enroll VEHICLE.',
  });
}

function showVehicle(port: ApiPort, one: Vehicle): z.infer<typeof vehicle> {
  const { usedBytes, freeBytes, lastSeenMs, agentVersion } = one;
  const lenses = port.store.read.lenses.ofVehicle(one.id);
  return {
    vehicle: one.name,
    state: one.state,
    connected: port.isConnected(one.name),
    ...(lastSeenMs === undefined ? {} : { lastSeen: formatUtc(lastSeenMs) }),
    enrolled: formatUtc(one.enrolledMs),
    ...(agentVersion === undefined ? {} : { agentVersion }),
    ...(usedBytes === undefined || freeBytes === undefined ? {} : { storage: { usedBytes, freeBytes } }),
    ...forecastOf(lenses),
    lenses: lenses.map(showLens),
  };
}

/** What the vehicle will lose first. */
function forecastOf(lenses: readonly Lens[]): Pick<z.infer<typeof vehicle>, 'forecast'> {
  const first = lenses
    .flatMap(({ name, overwriteMs }) => (overwriteMs === undefined ? [] : [{ name, overwriteMs }]))
    .sort((a, b) => a.overwriteMs - b.overwriteMs)[0];
  return first ? { forecast: { overwriteEta: formatUtc(first.overwriteMs), lens: first.name } } : {};
}

function showLens(one: Lens): z.infer<typeof lens> {
  const { detail, asOfMs, expectedMs, overwriteMs } = one;
  return {
    lens: one.name,
    live: one.live,
    state: one.state,
    ...(detail === undefined ? {} : { detail }),
    ...(asOfMs === undefined ? {} : { asOf: formatUtc(asOfMs) }),
    ...(expectedMs === undefined ? {} : { expectedSince: formatUtc(expectedMs) }),
    ...(overwriteMs === undefined ? {} : { overwriteEta: formatUtc(overwriteMs) }),
  };
}
