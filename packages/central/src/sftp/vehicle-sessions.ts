/** Something that can be ended from outside. */
export interface Endable {
  end(): unknown;
}

/** Which sessions belong to which vehicle. */
export class VehicleSessions {
  readonly #perVehicle: number;
  /** In the order of login. */
  readonly #sessions = new Map<string, Set<Endable>>();
  #count = 0;

  constructor(perVehicle: number) {
    this.#perVehicle = perVehicle;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Adds a session; if the vehicle has too many, its oldest is ended: a vehicle on a bad link leaves dead connections
   * behind, and must not be kept out by them.
   */
  add(user: string, session: Endable): void {
    const own = this.#sessions.get(user) ?? new Set();
    this.#sessions.set(user, own);
    own.add(session);
    this.#count++;
    if (own.size <= this.#perVehicle) return;
    const [oldest] = own;
    if (!oldest) return;
    this.remove(user, oldest);
    oldest.end();
  }

  remove(user: string, session: Endable): void {
    const own = this.#sessions.get(user);
    if (!own?.delete(session)) return;
    this.#count--;
    if (own.size === 0) this.#sessions.delete(user);
  }

  /** Ends all sessions of a vehicle. */
  end(user: string): void {
    for (const session of [...(this.#sessions.get(user) ?? [])]) session.end();
  }
}
