/** What every camera makes. */
export const FPS = 25;
export const FRAME_MS = 1_000 / FPS;

/** Who plays. */
export interface CastVehicle {
  readonly name: string;
  readonly lenses: readonly CastLens[];
}

export interface CastLens {
  /** `vehicle/lens` */
  readonly path: string;
  readonly lens: string;
  /** Turns the test picture's colours, so that each lens is known at a glance. */
  readonly hueDegrees: number;
  /** Pitch of its sound. */
  readonly tone: number;
}

function vehicle(name: string, hueDegrees: number, tone: number): CastVehicle {
  const lens = (lensName: string, turn: number): CastLens => ({
    path: `${name}/${lensName}`,
    lens: lensName,
    hueDegrees: hueDegrees + turn,
    tone: tone + turn,
  });
  return { name, lenses: [lens('front', 0), lens('rear', 60)] };
}

/** The one that drives into the tunnel. */
export const tunnelVehicle = vehicle('tram-214', 0, 330);

/** The one whose link is left alone, to compare with. */
export const otherVehicle = vehicle('bus-042', 150, 520);

export const vehicles: readonly CastVehicle[] = [tunnelVehicle, otherVehicle];

export const lenses: readonly CastLens[] = vehicles.flatMap((one) => one.lenses);

/** The lens that is exported at the end. */
export const exportedLens: CastLens = tunnelVehicle.lenses[0]!;
