import { parseVehicleId } from '@gapless/shared/ids';
import { enrolAnswer, enrolRequest } from '@gapless/shared/protocol';
import { formatUtc } from '@gapless/shared/time';
import { z } from 'zod';
import type { ApiPort } from '../port.js';
import { instant, vehicleParams } from '../values.js';
import type { Routes } from './routes.js';

/** How vehicles get in: an administrator makes a claim code, the vehicle redeems it. */
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
