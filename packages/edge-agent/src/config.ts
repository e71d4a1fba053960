import { join, resolve } from 'node:path';
import type { Frozen } from '@gapless/shared/config';
import { bitrate, duration, listenAddress, share, size } from '@gapless/shared/config';
import { isName, NAME_RULE } from '@gapless/shared/ids';
import type { LensName, VehicleId } from '@gapless/shared/ids';
import { z } from 'zod';

/** As the stage that adopts reads it. */
function isPattern(text: string): boolean {
  const tokens = text.match(/%path|%./g) ?? [];
  return tokens.every((token) => /^%(path|[YmdHMSfsz%])$/.test(token));
}

function isTimeZone(text: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const name = z.string().refine(isName, `Expected ${NAME_RULE}.`);

const input = z
  .union([
    z.string().min(1),
    z.strictObject({
      url: z.string().min(1).describe('Anything that ffmpeg reads: rtsp://, srt://, file:, v4l2:, test:'),
      options: z.array(z.string()).max(32).default([]).describe('Further ffmpeg options in front of -i'),
      audio: z
        .enum(['auto', 'copy', 'aac', 'none'])
        .default('auto')
        .describe(
          'Sound: as it is where MP4 can carry it and else as AAC (auto), as it is, as AAC, or left out',
        ),
    }),
  ])
  .transform((value) =>
    typeof value === 'string' ? { url: value, options: [], audio: 'auto' as const } : value,
  );

const retention = z
  .strictObject({
    maxAge: duration({ min: '1m' })
      .optional()
      .describe('Recordings of this lens older than this are evicted, in place of storage.maxAge'),
    maxSize: size({ min: '100MB' })
      .optional()
      .describe('Recordings of this lens, those protected aside, never take more than this'),
  })
  .prefault({});

const adopt = z.strictObject({
  dir: z
    .string()
    .min(1)
    .describe('Directory in which another program records; nothing in it is ever changed'),
  pattern: z
    .string()
    .min(1)
    .refine(isPattern, 'Expected %Y %m %d %H %M %S %f %s %z %path, * and other text.')
    .optional()
    .describe(
      'How its files are named, without their ending: %Y-%m-%d_%H-%M-%S-%f; other files are left alone. Without it all are ' +
        'adopted, and their names say nothing of their time',
    ),
  timeZone: z
    .string()
    .refine(isTimeZone, 'Expected a zone of the IANA database, such as Europe/Berlin or UTC.')
    .optional()
    .describe('Zone of the times in the names; by default that of the machine'),
});

const lens = z
  .strictObject({
    input: input.optional().describe('Where the video comes from'),
    adopt: adopt
      .optional()
      .describe('A directory of recordings that another program makes, instead of an input'),
    live: z
      .enum(['push', 'off'])
      .optional()
      .describe('Stream to central while recording (push, the default), or record only (off)'),
    retention,
  })
  .refine(
    (value) => (value.input === undefined) !== (value.adopt === undefined),
    'A lens has either an "input" or a directory to "adopt".',
  )
  .refine(
    (value) => value.adopt === undefined || value.live !== 'push',
    'What another program records cannot be streamed live; leave "live" out.',
  )
  .refine(
    ({ adopt: from, retention: { maxAge, maxSize } }) =>
      from === undefined || (maxAge === undefined && maxSize === undefined),
    'What another program records is its own to delete; leave "retention" out.',
  );

const storage = z
  .strictObject({
    dir: z.string().optional().describe('Directory of the recordings; by default "recordings" in stateDir'),
    maxSize: size({ min: '10MB' }).optional().describe('The recordings never take more than this'),
    minFree: size().prefault('1GB').describe('Space on the disk that is always left free'),
    maxAge: duration({ min: '1m' }).optional().describe('Recordings older than this are evicted'),
    whenFull: z
      .enum(['evict-oldest', 'stop-recording'])
      .default('evict-oldest')
      .describe('What to do when there is no space left'),
    maxProtected: share({ max: '90%' })
      .prefault('50%')
      .describe('Part of the space for recordings that may be protected against eviction'),
  })
  .prefault({});

export const edgeConfigSchema = z.strictObject({
  vehicle: name.describe('Name of the vehicle, as central knows it'),
  central: z
    .strictObject({
      url: z
        .url({
          protocol: /^wss?$/,
          error: 'Expected a URL like wss://central.example or ws://10.0.0.5:8080.',
        })
        .describe('Where central listens: wss://host or ws://host:port'),
      ca: z
        .string()
        .optional()
        .describe('PEM file with the authority that signed the certificate of central, if it is your own'),
    })
    .optional()
    .describe('The central server; without it the agent records and nothing more'),
  stateDir: z
    .string()
    .min(1)
    .default('/var/lib/gapless-edge')
    .describe('Directory of keys, identity and index'),
  storage,
  index: z
    .strictObject({
      mode: z
        .enum(['disk', 'memory'])
        .default('disk')
        .describe(
          'Write the index with every segment (disk), or now and then, to spare flash memory (memory); after a power cut it is completed from the files',
        ),
      snapshotEvery: duration({ min: '5s', max: '10m' })
        .prefault('60s')
        .describe('How often an index in memory is written'),
    })
    .prefault({}),
  lenses: z
    .record(name.meta({ title: 'lens' }), lens)
    .refine((lenses) => Object.keys(lenses).length >= 1, 'Name at least one lens.')
    .refine((lenses) => Object.keys(lenses).length <= 64, 'A vehicle has at most 64 lenses.'),
  recording: z
    .strictObject({
      segmentDuration: duration({ min: '2s', max: '4m' })
        .prefault('10s')
        .describe('Wanted length of a segment; each begins with a keyframe'),
      stallTimeout: duration({ min: '2s', max: '5m' })
        .prefault('10s')
        .describe('A camera without a picture for this long is restarted'),
    })
    .prefault({}),
  upload: z
    .strictObject({
      maxRate: bitrate({ min: '10kbit/s' })
        .optional()
        .describe('Upper limit of completion and uploads, in all; live video is not limited'),
      roots: z
        .array(z.string().startsWith('/', 'Expected an absolute path.'))
        .max(64)
        .default([])
        .describe('Directories from which gapless-edge upload may take files, besides the recordings'),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      listen: listenAddress()
        .optional()
        .describe('Where Prometheus reads metrics, such as 127.0.0.1:9464; by default nowhere'),
    })
    .prefault({}),
  ffmpeg: z.string().min(1).default('ffmpeg').describe('Name or path of the ffmpeg program'),
  log: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).default('info').describe('How much is logged'),
    })
    .prefault({}),
});

/** The configuration as the file has it, defaults filled in. */
export type EdgeConfig = Frozen<z.infer<typeof edgeConfigSchema>>;

export interface LensConfig {
  readonly lens: LensName;
  /** What is recorded; undefined for a lens that is adopted. */
  readonly input: Frozen<z.infer<typeof input>> | undefined;
  /** What is adopted; undefined for a lens that is recorded. */
  readonly adopt: Frozen<z.infer<typeof adopt>> | undefined;
  readonly live: 'push' | 'off';
  readonly retention: Frozen<z.infer<typeof retention>>;
}

export function vehicleOf(config: EdgeConfig): VehicleId {
  return config.vehicle as VehicleId;
}

export function lensesOf(config: EdgeConfig): LensConfig[] {
  return Object.entries(config.lenses).map(([lensName, settings]) => ({
    lens: lensName as LensName,
    input: settings.input,
    adopt: settings.adopt,
    live: settings.live ?? (settings.adopt ? 'off' : 'push'),
    retention: settings.retention,
  }));
}

/** What the recordings of each lens may take and how old they may be, apart from `storage`. */
export function lensLimitsOf(
  config: EdgeConfig,
): ReadonlyMap<LensName, { maxBytes: number | undefined; maxAgeMs: number | undefined }> {
  return new Map(
    lensesOf(config).map(({ lens: lensName, retention: { maxSize, maxAge } }) => [
      lensName,
      { maxBytes: maxSize, maxAgeMs: maxAge },
    ]),
  );
}

/** How each lens is to be recorded; a lens of which anything of this changes begins a new run. */
export function lensSettingsOf(config: EdgeConfig) {
  const { ffmpeg, recording } = config;
  const { segmentDuration: segmentDurationMs, stallTimeout: stallMs } = recording;
  return lensesOf(config).flatMap(({ lens: name, input: from }) =>
    from ? { lens: name, input: from, ffmpeg, segmentDurationMs, stallMs } : [],
  );
}

/** Which lenses are adopted, and from where. */
export function adoptSettingsOf(config: EdgeConfig) {
  const { segmentDuration: segmentDurationMs } = config.recording;
  return lensesOf(config).flatMap(({ lens: name, adopt: from }) =>
    from
      ? {
          ...{ lens: name, segmentDurationMs, dir: resolve(from.dir) },
          ...{ pattern: from.pattern, timeZone: from.timeZone },
        }
      : [],
  );
}

/** What the recordings of all lenses together may take. */
export function limitsOf({ storage: { maxSize, minFree, maxAge, whenFull } }: EdgeConfig) {
  return { maxBytes: maxSize, minFreeBytes: minFree, maxAgeMs: maxAge, whenFull };
}

/** Absolute path of the recordings. */
export function storageDirOf(config: EdgeConfig): string {
  const { dir } = config.storage;
  if (dir === undefined) return join(config.stateDir, 'recordings');
  return resolve(dir);
}

/** Where the agent opens its link: the configured address with the link's path. */
export function linkUrlOf(central: NonNullable<EdgeConfig['central']>): string {
  return new URL('/agent/v1', central.url).href;
}
