import { randomBytes, randomInt } from 'node:crypto';
import type { Random } from '../ids/index.js';

/** The operating system's cryptographic randomness. */
export const systemRandom: Random = {
  bytes: (count) => new Uint8Array(randomBytes(count)),
  fraction: () => randomInt(2 ** 47) / 2 ** 47,
};
