import { AppError } from '../errors/index.js';
import { hex } from '../ids/index.js';

/**
 * A claim code: a one-time permission to enrol one vehicle, which also carries what the vehicle shall trust, so that
 * nothing is believed on first sight. Typed or pasted by a person: Crockford's base 32 in groups of eight, in any case,
 * with or without the hyphens.
 *
 * ```
 * u8   version, 1
 * 8    id of the claim
 * 16   secret; never sent, only proven
 * 16   first half of the SHA-256 of central's identity key (SPKI DER)
 * 16   first half of the SHA-256 of central's SFTP host key (SSH wire form)
 * 2    checksum, so that a slip of the finger is told from a wrong or expired code
 * ```
 */
export interface ClaimCode {
  /** Hex, 8 bytes. */
  readonly id: string;
  /** 16 bytes. */
  readonly secret: Uint8Array;
  /** Hex, 16 bytes. */
  readonly centralKeyPrefix: string;
  /** Hex, 16 bytes. */
  readonly hostKeyPrefix: string;
}

const VERSION = 1;
const ID_BYTES = 8;
const SECRET_BYTES = 16;
const PREFIX_BYTES = 16;
const BODY_BYTES = 1 + ID_BYTES + SECRET_BYTES + 2 * PREFIX_BYTES;
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export function formatClaimCode(code: ClaimCode): string {
  const body = new Uint8Array(BODY_BYTES + 2);
  body[0] = VERSION;
  body.set(unhex(code.id), 1);
  body.set(code.secret, 1 + ID_BYTES);
  body.set(unhex(code.centralKeyPrefix), 1 + ID_BYTES + SECRET_BYTES);
  body.set(unhex(code.hostKeyPrefix), 1 + ID_BYTES + SECRET_BYTES + PREFIX_BYTES);
  new DataView(body.buffer).setUint16(BODY_BYTES, checksum(body.subarray(0, BODY_BYTES)));
  return toBase32(body).replace(/.{8}(?=.)/g, '$&-');
}

/** Reads a claim code; throws `CLAIM_CODE_INVALID` for a mistyped or foreign one. */
export function parseClaimCode(text: string): ClaimCode {
  const bytes = fromBase32(text.toUpperCase().replace(/[\s-]/g, ''), BODY_BYTES + 2);
  if (!bytes) throw invalid('it is not a claim code');
  const body = bytes.subarray(0, BODY_BYTES);
  const view = new DataView(bytes.buffer);
  if (view.getUint16(BODY_BYTES) !== checksum(body)) throw invalid('it has a typing mistake');
  if (body[0] !== VERSION) throw invalid(`it has version ${body[0]}, which this agent does not know`);
  const at = 1 + ID_BYTES + SECRET_BYTES;
  return {
    id: hex(body.subarray(1, 1 + ID_BYTES)),
    secret: body.slice(1 + ID_BYTES, at),
    centralKeyPrefix: hex(body.subarray(at, at + PREFIX_BYTES)),
    hostKeyPrefix: hex(body.subarray(at + PREFIX_BYTES)),
  };
}

function invalid(what: string): AppError {
  return new AppError('CLAIM_CODE_INVALID', `the claim code cannot be used: ${what}`, {
    hint: 'Copy the whole code that "gapless-central enroll" printed.',
  });
}

/** Fletcher-16: finds every single wrong character and every swap of neighbours. */
function checksum(bytes: Uint8Array): number {
  let low = 0;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 255;
    high = (high + low) % 255;
  }
  return high * 256 + low;
}

function toBase32(bytes: Uint8Array): string {
  let out = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += ALPHABET[(buffer >> bits) & 31]!;
    }
    buffer &= (1 << bits) - 1;
  }
  return bits > 0 ? out + ALPHABET[(buffer << (5 - bits)) & 31]! : out;
}

/** Crockford: O is read as 0, I and L as 1. */
function fromBase32(text: string, byteLength: number): Uint8Array | undefined {
  const out = new Uint8Array(byteLength);
  let length = 0;
  let buffer = 0;
  let bits = 0;
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter === 'O' ? '0' : letter === 'I' || letter === 'L' ? '1' : letter);
    if (value < 0) return undefined;
    buffer = (buffer << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    if (length === byteLength) return undefined;
    out[length++] = (buffer >> bits) & 255;
    buffer &= (1 << bits) - 1;
  }
  return length === byteLength ? out : undefined;
}

function unhex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
