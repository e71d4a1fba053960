import { fromHex } from '../ids/index.js';
import type { Box } from './box.js';
import { box, boxBytes, versionAndFlags } from './box-writer.js';
import { Fields } from './fields.js';
import { JsonFields } from './json-fields.js';
import { mp4Invalid, mp4TooLarge, mp4Unsupported } from './mp4-error.js';

/** Bound on the JSON in a box of ours. */
export const MAX_JSON_BYTES = 4096;

/** A kind of `uuid` box of ours: a full box whose payload is one JSON object in UTF-8. */
export interface UuidBoxType {
  /** For messages. */
  readonly name: string;
  /** 16 bytes as hex. */
  readonly userType: string;
  readonly version: number;
}

export function isUuidBox(box: Pick<Box, 'userType'>, kind: UuidBoxType): boolean {
  return box.userType === kind.userType;
}

/** The bytes of a box of that kind. Keys are written in the order of `value`. */
export function writeUuidBox(kind: UuidBoxType, value: Readonly<Record<string, unknown>>): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(value));
  if (json.length > MAX_JSON_BYTES)
    throw mp4TooLarge(kind.name, 0, `has ${json.length} bytes of JSON where ${MAX_JSON_BYTES} are accepted`);
  return boxBytes(box('uuid', fromHex(kind.userType, 16)!, versionAndFlags(kind.version, 0), json));
}

/** Reads what {@link writeUuidBox} wrote, field by field. */
export function readUuidBox(kind: UuidBoxType, uuid: Box): JsonFields {
  const fields = new Fields(uuid);
  const { version } = fields.versionAndFlags();
  if (version !== kind.version)
    throw mp4Unsupported(
      kind.name,
      uuid.at,
      `has version ${version}; this program knows version ${kind.version}`,
    );
  if (fields.remaining > MAX_JSON_BYTES)
    throw mp4TooLarge(
      kind.name,
      uuid.at,
      `has ${fields.remaining} bytes of JSON where ${MAX_JSON_BYTES} are accepted`,
    );
  return new JsonFields(kind.name, uuid.at, parseObject(kind, uuid.at, fields.bytes(fields.remaining)));
}

function parseObject(kind: UuidBoxType, at: number, json: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    throw mp4Invalid(kind.name, at, 'does not hold JSON in UTF-8');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw mp4Invalid(kind.name, at, 'does not hold a JSON object');
  return value as Readonly<Record<string, unknown>>;
}
