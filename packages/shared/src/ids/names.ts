import { AppError } from '../errors/index.js';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Names a vehicle, fleet-wide: `bus-042`. */
export type VehicleId = Branded<'VehicleId'>;

/** Names a lens within its vehicle: `front`. */
export type LensName = Branded<'LensName'>;

/** Names a lens fleet-wide: `bus-042/front`. */
export type LensPath = Branded<'LensPath'>;

/**
 * Vehicle and lens names become directory names, SFTP user names, URL segments and metric labels, so they keep to
 * what is safe and unambiguous in all of them: no dots, no slashes, no spaces.
 */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export const NAME_RULE = '1 to 64 letters, digits, "-" or "_", beginning with a letter or digit';

export function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

export function parseVehicleId(value: unknown): VehicleId {
  if (!isName(value))
    throw new AppError('ARGUMENT_INVALID', `not a vehicle name: ${quote(value)}`, {
      hint: `A vehicle name is ${NAME_RULE}.`,
    });
  return value as VehicleId;
}

export function parseLensName(value: unknown): LensName {
  if (!isName(value))
    throw new AppError('ARGUMENT_INVALID', `not a lens name: ${quote(value)}`, {
      hint: `A lens name is ${NAME_RULE}.`,
    });
  return value as LensName;
}

export function lensPath(vehicle: VehicleId, lens: LensName): LensPath {
  return `${vehicle}/${lens}` as LensPath;
}

/** Reads `vehicle/lens`. */
export function parseLensPath(value: unknown): { vehicle: VehicleId; lens: LensName } {
  const parts = typeof value === 'string' ? value.split('/') : [];
  if (parts.length !== 2) {
    throw new AppError('ARGUMENT_INVALID', `not a lens: ${quote(value)}`, {
      hint: 'Write a lens as VEHICLE/LENS, for example bus-042/front.',
    });
  }
  return { vehicle: parseVehicleId(parts[0]), lens: parseLensName(parts[1]) };
}

/** Foreign text for a message: quoted, one line, bounded. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}..."`;
}
