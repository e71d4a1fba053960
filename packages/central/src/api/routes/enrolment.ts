import type { Routes } from '@gapless/shared/http';
import { instant } from '@gapless/shared/http';
import { parseVehicleId } from '@gapless/shared/ids';
import { enrolAnswer, enrolRequest } from '@gapless/shared/protocol';
import { formatUtc } from '@gapless/shared/time';
import { z } from 'zod';
import type { ApiPort } from '../port.js';
import { vehicleParams } from '../values.js';

/** How vehicles get in and out: an administrator makes a claim code, the vehicle redeems it; an administrator revokes it. */
export function enrolmentRoutes(routes: Routes, port: ApiPort): void {
  routes.post(
    '/api/v1/vehicles/:vehicle/claim',
    {
      config: { access: 'administrator' },
      schema: {
        tags: ['vehicles'],
        summary: 'Make a one-time claim code to enrol a vehicle',
        params: vehicleParams,
        response: { 201: z.object({ vehicle: z.string(), code: z.string(), expires: instant }) },
      },
    },
    async (request, reply) => {
      const vehicle = parseVehicleId(request.params.vehicle);
      const { code, expiresMs } = await port.enrolment.claim(vehicle);
      return reply.code(201).send({ vehicle, code, expires: formatUtc(expiresMs) });
    },
  );

  routes.post(
    '/api/v1/vehicles/:vehicle/revoke',
    {
      config: { access: 'administrator' },
      schema: {
        tags: ['vehicles'],
        summary: 'Shut a vehicle out at once; its footage stays, and enrolling it again lets it back in',
        params: vehicleParams,
        response: { 200: z.object({ vehicle: z.string(), state: z.literal('revoked') }) },
      },
    },
    async (request) => {
      const vehicle = parseVehicleId(request.params.vehicle);
      await port.enrolment.revoke(vehicle);
      return { vehicle, state: 'revoked' as const };
    },
  );

  routes.post(
    '/agent/v1/enrol',
    {
      config: { access: 'open' },
      schema: {
        tags: ['vehicles'],
        summary: 'Redeem a claim code; called by the agent',
        body: enrolRequest,
        response: { 200: enrolAnswer },
      },
    },
    (request) => port.enrolment.redeem(request.body),
  );
}
