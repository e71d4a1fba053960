import type { SegmentId, SegmentRef } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';

/**
 * Which segments are being read: a clip holds those that it is made of until it has been sent, and retention leaves what
 * is held. Taken in the same turn in which the segments were looked up, so that none can go in between.
 */
export class SegmentUse {
  readonly #holders = new Map<SegmentId, number>();

  /** Holds segments until the result is disposed of. */
  hold(segments: readonly SegmentRef[]): Disposable {
    const ids = segments.map(segmentId);
    for (const id of ids) this.#holders.set(id, (this.#holders.get(id) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        for (const id of ids.splice(0)) this.#release(id);
      },
    };
  }

  isHeld(segment: SegmentRef): boolean {
    return this.#holders.has(segmentId(segment));
  }

  #release(id: SegmentId): void {
    const rest = (this.#holders.get(id) ?? 0) - 1;
    if (rest > 0) this.#holders.set(id, rest);
    else this.#holders.delete(id);
  }
}
