import { createHmac, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import { readSecret, writeSecret } from '@gapless/shared/fs';
import type { LensPath, Random } from '@gapless/shared/ids';
import { fromHex } from '@gapless/shared/ids';
import type { Clock, EpochMs } from '@gapless/shared/time';

const KEY_BYTES = 32;

/**
 * Links that a player can open without a token: signed for one lens, for reading, until they expire. The signature is
 * part of the query, so a link that leaks is worth one lens for a while and nothing else.
 */
export class MediaLinks {
  readonly #key: Uint8Array;
  readonly #clock: Clock;

  private constructor(key: Uint8Array, clock: Clock) {
    this.#key = key;
    this.#clock = clock;
  }

  /** Loads the key, making it if there is none; throws SECRET_EXPOSED and KEY_UNREADABLE. */
  static async load(
    port: { disk: Disk; clock: Clock; random: Random },
    keysDir: string,
  ): Promise<MediaLinks> {
    const path = join(keysDir, 'media-links.key');
    let key = await readSecret(path);
    if (key === undefined) {
      key = Buffer.from(port.random.bytes(KEY_BYTES)).toString('hex');
      await writeSecret(port.disk, path, key);
    }
    const bytes = fromHex(key.trim(), KEY_BYTES);
    // With an empty or shortened key anybody could sign.
    if (!bytes) {
      throw new AppError('KEY_UNREADABLE', `${path} holds no key`, {
        hint: 'Remove it: a new one is made, and links that were given out end.',
      });
    }
    return new MediaLinks(bytes, port.clock);
  }

  /** The query that opens a lens's media until `expires`. */
  sign(lens: LensPath, expires: EpochMs): { expires: EpochMs; signature: string } {
    return { expires, signature: this.#signature(lens, expires).toString('base64url') };
  }

  /** Whether a query is one of ours for this lens and has not expired. */
  verify(lens: LensPath, query: { expires: EpochMs; signature: string }): boolean {
    const given = Buffer.from(query.signature, 'base64url');
    const right = this.#signature(lens, query.expires);
    return (
      given.length === right.length && timingSafeEqual(given, right) && query.expires > this.#clock.nowMs()
    );
  }

  #signature(lens: LensPath, expires: EpochMs): Buffer {
    return createHmac('sha256', this.#key).update(`gapless-media-1\n${lens}\n${expires}`).digest();
  }
}
