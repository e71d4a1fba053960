/**
 * Which stored objects are being read: a player or an export holds them until it has ended, and nothing gives up what is
 * held. Taken in the same turn in which the objects were looked up, so that none can go in between.
 */
export class MediaUse {
  readonly #holders = new Map<number, number>();

  /** Holds objects until the result is disposed of. */
  hold(objectIds: readonly number[]): Disposable {
    for (const id of objectIds) this.#holders.set(id, (this.#holders.get(id) ?? 0) + 1);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        for (const id of objectIds) this.#release(id);
      },
    };
  }

  isHeld(objectId: number): boolean {
    return this.#holders.has(objectId);
  }

  #release(id: number): void {
    const rest = (this.#holders.get(id) ?? 0) - 1;
    if (rest > 0) this.#holders.set(id, rest);
    else this.#holders.delete(id);
  }
}
