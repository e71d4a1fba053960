import type { Frozen } from '@gapless/shared/config';
import { duration, listenAddress, size, timeZone } from '@gapless/shared/config';
import { z } from 'zod';

const http = z
  .strictObject({
    listen: listenAddress()
      .prefault('127.0.0.1:8080')
      .describe('Where the API, the console and the vehicles connect'),
    tls: z
      .strictObject({
        cert: z.string().min(1).describe('PEM file with the certificate chain'),
        key: z.string().min(1).describe('PEM file with its private key'),
      })
      .optional()
      .describe('Without it, put a reverse proxy that speaks TLS in front'),
  })
  .prefault({});

const sftp = z
  .strictObject({
    listen: listenAddress()
      .prefault('127.0.0.1:2022')
      .describe('Where the SFTP server inside central listens'),
    advertise: z
      .string()
      .regex(
        /^[^\s/:]+(:\d{1,5})?$|^\[[0-9A-Fa-f:]+\](:\d{1,5})?$/,
        'Expected a host name or address, with a port if it is not the one listened on.',
      )
      .optional()
      .describe(
        'Host, or host:port, under which vehicles reach it; by default the host by which they reach central',
      ),
    external: z
      .strictObject({
        inboxDir: z.string().min(1).describe('Directory that the outside server and central share'),
        url: z
          .url({ protocol: /^sftp$/ })
          .describe('sftp://host:port/path, the path being that of inboxDir as the vehicles see it'),
        hostKey: z
          .string()
          .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'Expected a fingerprint as ssh-keygen -l prints it, SHA256:…')
          .describe('Fingerprint of its host key'),
      })
      .optional()
      .describe('An OpenSSH server in place of the one inside central'),
  })
  .prefault({});

export const centralConfigSchema = z.strictObject({
  dataDir: z
    .string()
    .min(1)
    .default('./gapless-data')
    .describe('Directory of the catalogue, the footage and the keys'),
  http,
  sftp,
  timeZone: timeZone().prefault('UTC').describe('Zone of schedules, and of times typed without one'),
  retention: z
    .strictObject({
      maxAge: duration({ min: '1h' }).optional().describe('Footage older than this is deleted'),
      maxSize: size({ min: '100MB' })
        .optional()
        .describe('The footage never takes more than this; the oldest goes first'),
    })
    .prefault({}),
  completion: z
    .strictObject({
      online: z
        .strictObject({
          enabled: z
            .boolean()
            .default(true)
            .describe("Ask for what is missing of lenses that stream, without anyone's doing"),
        })
        .prefault({}),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).default('info').describe('How much is logged'),
    })
    .prefault({}),
});

export type CentralConfig = Frozen<z.infer<typeof centralConfigSchema>>;
