/** A run on its way into a new index. */
export interface PlacedRun {
  readonly lensId: number;
  readonly name: string;
  readonly startMs: number;
  /** Its place among all runs, as the journal has it; undefined for one that no journal knows. */
  readonly place: number | undefined;
}

/** A run with the number that it gets. */
export interface NumberedRun extends PlacedRun {
  readonly id: number;
}

/**
 * Numbers runs in the order in which they began. Where the journal knows it, that is the order and, if it can be, the
 * number, so that numbers given later are still greater than all in the journals. A run that no journal knows comes
 * after the last one of its lens that began earlier, by the wall clock.
 */
export function numberRuns(runs: readonly PlacedRun[]): NumberedRun[] {
  const known = runs.filter((run) => run.place !== undefined).sort((a, b) => a.startMs - b.startMs);
  const placeOf = (run: PlacedRun): number => {
    if (run.place !== undefined) return run.place;
    let place = 0;
    for (const other of known)
      if (other.lensId === run.lensId && other.startMs <= run.startMs) place = Math.max(place, other.place!);
    return place + 0.5;
  };
  const ordered = runs
    .map((run) => ({ run, place: placeOf(run) }))
    .sort((a, b) => a.place - b.place || a.run.startMs - b.run.startMs || (a.run.name < b.run.name ? -1 : 1));
  let id = 0;
  return ordered.map(({ run }) => {
    id = Math.max(id + 1, run.place ?? 0);
    return { ...run, id };
  });
}
