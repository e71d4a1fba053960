import { Readable } from 'node:stream';
import { AppError } from '@gapless/shared/errors';
import type { Routes } from '@gapless/shared/http';
import { rangeOf } from '@gapless/shared/http';
import { parseSegmentId } from '@gapless/shared/ids';
import { every } from '@gapless/shared/lifecycle';
import { HOUR_MS, SECOND_MS } from '@gapless/shared/time';
import { z } from 'zod';
import type { Source } from '../../deliver/index.js';
import { MAX_ITEMS, OVERWRITE } from '../../deliver/index.js';
import type { ControlPort } from '../port.js';
import { shownEvent, shownUpload, uploadReply, uploadsReply } from '../upload-values.js';
import { lens, timeZone } from '../values.js';

export type { UploadEventLine, UploadReply, UploadsReply } from '../upload-values.js';

const timeText = z.string().min(1).max(64);

const source = z.union([
  z.strictObject({ file: z.string().min(1).max(4_096).describe('Absolute path') }),
  z.strictObject({ segment: z.string().max(120).describe('Id of a closed segment') }),
  z.strictObject({
    lens,
    from: timeText,
    to: timeText.optional(),
    mode: z.enum(['exact', 'keyframe']).default('exact'),
  }),
]);

const secretFile = z.string().min(1).max(4_096).optional();

const uploadBody = z.strictObject({
  sources: z.array(source).min(1).max(MAX_ITEMS),
  destination: z.string().min(1).max(4_096).describe('sftp://user@host:port/path/{template}'),
  hostKeys: z
    .array(z.string().min(1).max(4_096))
    .max(16)
    .default([])
    .describe('Host keys that the server may show: SHA256:…, a key, or a line of known_hosts'),
  identityFile: secretFile.describe('File with the private key to log in with, mode 0600'),
  passwordFile: secretFile.describe('File with the password to log in with, mode 0600'),
  overwrite: z.enum(OVERWRITE).default('never'),
  concurrency: z.int().min(1).max(32).default(4).describe('Items at a time'),
  rateBytesPerSec: z.int().min(1_000).optional().describe('Upper limit of this upload'),
  reduce: z.boolean().default(true).describe('Leave padding out of MP4 files that are not fragmented'),
  tokens: z.record(z.string().max(32), z.string().max(255)).default({}),
});

const byId = z.object({ id: z.string().min(1).max(64) });

/** A reader of events hears at least this often that the agent is there: by an empty line. */
const SIGN_OF_LIFE_MS = 10 * SECOND_MS;

export function uploadRoutes(routes: Routes, port: ControlPort): void {
  const { uploads } = port;

  routes.post(
    '/uploads',
    {
      schema: {
        summary: 'Upload files, segments or stretches of a lens to an SFTP server',
        body: uploadBody,
        response: { 202: uploadReply },
      },
    },
    async ({ body }, reply) => {
      const { destination: url, hostKeys, overwrite, concurrency, rateBytesPerSec, reduce, tokens } = body;
      const id = await uploads.accept({
        sources: body.sources.map((one, i) => sourceOf(port, one, i)),
        plan: {
          ...{ url, hostKeys, overwrite, concurrency, reduce, tokens, login: loginOf(body) },
          ...(rateBytesPerSec === undefined ? {} : { rateBytesPerSec }),
        },
      });
      return reply
        .code(202)
        .header('location', `/v1/uploads/${id}`)
        .send(shownUpload(uploads.get(id)));
    },
  );

  routes.get(
    '/uploads',
    {
      schema: {
        summary: 'The newest uploads, newest first',
        querystring: z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(50) }),
        response: { 200: uploadsReply },
      },
    },
    ({ query }) => ({ uploads: uploads.list(query.limit).map(shownUpload) }),
  );

  routes.get(
    '/uploads/:id',
    { schema: { summary: 'How far an upload is', params: byId, response: { 200: uploadReply } } },
    ({ params }) => shownUpload(uploads.get(params.id)),
  );

  for (const verb of ['cancel', 'pause', 'resume'] as const)
    routes.post(
      `/uploads/:id/${verb}`,
      { schema: { summary: `To ${verb} an upload`, params: byId, response: { 200: uploadReply } } },
      async ({ params }) => {
        await uploads[verb](params.id);
        return shownUpload(uploads.get(params.id));
      },
    );

  routes.get(
    '/uploads/:id/events',
    {
      schema: {
        summary: 'What happens to an upload, as lines of JSON',
        description: 'First how things stand, then every change, until the upload has ended.',
        params: byId,
      },
    },
    ({ params }, reply) => {
      const lines = new Readable({ read: () => undefined });
      const gone = new AbortController();
      const stop = uploads.watch(params.id, (event) => {
        lines.push(`${JSON.stringify(shownEvent(event))}\n`);
        if (event.type === 'upload' && event.endedMs !== undefined) lines.push(null);
      });
      reply.raw.once('close', () => {
        stop();
        gone.abort();
      });
      void every(port.clock, SIGN_OF_LIFE_MS, gone.signal, () => void lines.push('\n'));
      return reply.type('application/x-ndjson').send(lines);
    },
  );
}

function sourceOf(port: ControlPort, one: z.infer<typeof source>, index: number): Source {
  if ('file' in one) return { kind: 'file', path: one.file };
  if ('segment' in one) return { kind: 'segment', segment: parseSegmentId(one.segment) };
  const { from, to, mode } = one;
  const typed = { from, to, in: 'body', pointer: `/sources/${index}` } as const;
  return {
    ...{ kind: 'clip', lens: one.lens, mode },
    ...rangeOf({ clock: port.clock, timeZone }, typed, HOUR_MS),
  };
}

function loginOf({ identityFile, passwordFile }: z.infer<typeof uploadBody>) {
  if (identityFile !== undefined && passwordFile === undefined) return { identityFile };
  if (passwordFile !== undefined && identityFile === undefined) return { passwordFile };
  throw new AppError('ARGUMENT_INVALID', 'a login is by a key or by a password: name one of the two files', {
    hint: 'Name a file of mode 0600 that the agent can read: "identityFile" (--identity) or "passwordFile" (--password-file).',
  });
}
