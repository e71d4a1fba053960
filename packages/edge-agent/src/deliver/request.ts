import { AppError } from '@gapless/shared/errors';
import type { LensName, SegmentRef } from '@gapless/shared/ids';
import { isName, isRunId, MAX_SEQ } from '@gapless/shared/ids';
import { z } from 'zod';
import { BUILT_IN_TOKENS, isTokenName, requireTokenValue } from './template-policy.js';

const lens = z.custom<LensName>(isName, 'not a name of a lens');
const instantMs = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What is to be uploaded: a file, a segment as it is, or an MP4 of a stretch of a lens. */
export const sourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('file'), path: z.string().min(1).max(4_096) }),
  z.strictObject({
    kind: z.literal('segment'),
    segment: z.strictObject({
      lens,
      run: z.custom<SegmentRef['run']>(isRunId, 'not a run'),
      seq: z.int().min(0).max(MAX_SEQ),
    }),
  }),
  z.strictObject({
    kind: z.literal('clip'),
    lens,
    startMs: instantMs,
    endMs: instantMs,
    mode: z.enum(['exact', 'keyframe']),
  }),
]);

export type Source = z.infer<typeof sourceSchema>;

export const OVERWRITE = ['never', 'if-different', 'always'] as const;

export type Overwrite = (typeof OVERWRITE)[number];

const secretPath = z.string().min(1).max(4_096);

/** Where to, and how. Holds no secret: how to log in stands in a file. */
export const planSchema = z.strictObject({
  url: z.string().min(1).max(4_096),
  hostKeys: z.array(z.string().min(1).max(4_096)).min(1).max(16),
  login: z.union([
    z.strictObject({ identityFile: secretPath }),
    z.strictObject({ passwordFile: secretPath }),
  ]),
  /** What to do where something has the name already. */
  overwrite: z.enum(OVERWRITE),
  /** How many at a time. */
  concurrency: z.int().min(1).max(32),
  rateBytesPerSec: z.int().min(1).optional(),
  /** Whether padding is left out of files that are not fragmented. */
  reduce: z.boolean(),
  tokens: z.record(z.string(), z.string().max(255)),
});

export type UploadPlan = z.infer<typeof planSchema>;

/** As many as anybody can look through. */
export const MAX_ITEMS = 1_000;

export interface UploadRequest {
  readonly plan: UploadPlan;
  readonly sources: readonly Source[];
}

/** @throws ARGUMENT_INVALID for tokens of the caller that have a name of ours, or a value that is no part of a name */
export function requireTokens(tokens: UploadPlan['tokens']): void {
  for (const [name, value] of Object.entries(tokens)) {
    if ((BUILT_IN_TOKENS as readonly string[]).includes(name))
      throw new AppError('ARGUMENT_INVALID', `the token {${name}} is filled by the agent`, {
        hint: 'Give your own another name.',
      });
    if (!isTokenName(name))
      throw new AppError('ARGUMENT_INVALID', `a token cannot be called ${JSON.stringify(name)}`, {
        hint: 'Its name is up to 32 letters, digits, "-" or "_" and begins with a letter.',
      });
    requireTokenValue(name, value);
  }
}
