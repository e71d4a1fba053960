import type { Routes } from '@gapless/shared/http';
import { z } from 'zod';
import type { ControlPort } from '../port.js';

const keys = z.array(z.string());
const lenses = z.array(z.string());

export const reloadReply = z.object({
  changed: keys.describe('Keys whose new value is in force'),
  needsRestart: keys.describe('Keys whose new value waits for the next start of the agent'),
  started: lenses.describe('Lenses that are recorded from now on'),
  ended: lenses.describe('Lenses that are recorded no more'),
  restarted: lenses.describe('Lenses that are recorded in another way, in a new run; all others kept theirs'),
});

export type ReloadReply = z.infer<typeof reloadReply>;

export function reloadRoutes(routes: Routes, port: ControlPort): void {
  routes.post(
    '/reload',
    {
      schema: {
        summary: 'Read the configuration again, without stopping what goes on as before',
        response: { 200: reloadReply },
      },
    },
    async (): Promise<ReloadReply> => {
      const { changed, needsRestart, started, ended, restarted } = await port.reload();
      return {
        ...{ changed: [...changed], needsRestart: [...needsRestart] },
        ...{ started: [...started], ended: [...ended], restarted: [...restarted] },
      };
    },
  );
}
