import { z } from 'zod';
import type { LensName, RunId, VehicleId } from '../ids/index.js';
import { isName, isRunId, MAX_SEQ } from '../ids/index.js';
import { MAX_EPOCH_MS } from '../time/index.js';

/** Schemas of the values that messages are made of. Parsing brands ids, so inside the program types can be trusted. */

export const epochMs = z.int().min(0).max(MAX_EPOCH_MS);
export const durationMs = z.int().min(0);
export const byteCount = z.int().min(0);

export const vehicleId = z.custom<VehicleId>(isName, 'not a vehicle name');
export const lensName = z.custom<LensName>(isName, 'not a lens name');
export const runId = z.custom<RunId>(isRunId, 'not a run id');

/** Text that a person may read: bounded and without control characters. */
export const label = z
  .string()
  .max(500)
  // eslint-disable-next-line no-control-regex -- the very characters that must not come through
  .regex(/^[^\u0000-\u001f\u007f]*$/);

export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);
export const base64 = z
  .string()
  .max(8192)
  .regex(/^[A-Za-z0-9+/]*={0,2}$/);

/** OpenSSH's notation of a host key's fingerprint. */
export const hostKeyFingerprint = z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/);

export const timeRange = z
  .object({ startMs: epochMs, endMs: epochMs })
  .refine((r) => r.startMs < r.endMs, 'a range must not be empty');

/** Half-open byte range of a file. */
export const byteRange = z
  .object({ from: byteCount, to: byteCount })
  .refine((r) => r.from < r.to, 'a byte range must not be empty');

export const segmentRef = z.object({ lens: lensName, run: runId, seq: z.int().min(0).max(MAX_SEQ) });

export type ByteRange = z.infer<typeof byteRange>;
