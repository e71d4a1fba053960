import type { Range } from '@gapless/shared/interval';
import { overlaps, RangeSet } from '@gapless/shared/interval';
import type { DurationMs } from '@gapless/shared/time';
import type { Snapshot } from './timeline.js';
import { isCompleted, isGap, isMissing, isVerified, runsOf } from './timeline.js';

/** The gaps that central has shown so far. */
export class SeenGaps {
  readonly #longestMs = new Map<string, DurationMs>();
  readonly #missing = new Map<string, RangeSet>();

  note(snapshot: Snapshot): void {
    for (const { path, runs } of snapshot.lenses) {
      const vehicle = path.split('/')[0]!;
      const lengths = runs.filter(isGap).map(({ startMs, endMs }) => endMs - startMs);
      this.#longestMs.set(vehicle, Math.max(this.longestMs(vehicle), ...lengths));
      this.#missing.set(path, this.#missingOf(path).union(RangeSet.from(runs.filter(isMissing))));
    }
  }

  /** The longest gap that any lens of a vehicle has had. */
  longestMs(vehicle: string): DurationMs {
    return this.#longestMs.get(vehicle) ?? 0;
  }

  /**
   * Whether the gap that a cut link left in a lens is filled: something was completed there, whatever was missing is
   * verified, and nothing is a gap any more. Live footage behind it is proven later, when its segment is closed.
   */
  isFilled(snapshot: Snapshot, path: string, cut: Range): boolean {
    const runs = runsOf(snapshot, path);
    const verified = RangeSet.from(runs.filter(isVerified));
    return (
      runs.some((run) => isCompleted(run) && overlaps(run, cut)) &&
      this.#missingOf(path).subtract(verified).isEmpty &&
      !runs.some(isGap)
    );
  }

  #missingOf(path: string): RangeSet {
    return this.#missing.get(path) ?? RangeSet.empty;
  }
}
