import type { Range } from '@gapless/shared/interval';
import type { EpochMs } from '@gapless/shared/time';

/** A stretch of a lens in one state, as central's API says. */
export interface Run extends Range {
  readonly state: string;
  readonly reason?: string | undefined;
  readonly source?: string | undefined;
}

/** One lens as central sees it. */
export interface LensView {
  /** `vehicle/lens` */
  readonly path: string;
  readonly runs: readonly Run[];
}

/** What central's API said at one moment. */
export interface Snapshot {
  readonly atMs: EpochMs;
  readonly lenses: readonly LensView[];
  /** Vehicles that central has a link with. */
  readonly connected: ReadonlySet<string>;
}

export const emptySnapshot: Snapshot = { atMs: 0, lenses: [], connected: new Set() };

/** What central itself calls a gap: expected, and neither here nor arriving to be proven. */
export function isGap({ state, reason }: Run): boolean {
  return !['verified', 'received', 'not-expected'].includes(state) && reason !== 'off';
}

/** The vehicle holds it, and central has not got it yet. */
export function isMissing({ state }: Run): boolean {
  return ['missing', 'requested', 'transferring'].includes(state);
}

export function isVerified({ state }: Run): boolean {
  return state === 'verified';
}

/** Came later, over SFTP, because it had not come live. */
export function isCompleted({ state, source }: Run): boolean {
  return state === 'verified' && source === 'completed';
}

/** Length of the parts of `runs` that lie in `range`. */
export function lengthWithin(runs: readonly Run[], range: Range): number {
  return runs.reduce(
    (sum, run) => sum + Math.max(0, Math.min(run.endMs, range.endMs) - Math.max(run.startMs, range.startMs)),
    0,
  );
}

export function runsOf(snapshot: Snapshot, path: string): readonly Run[] {
  return snapshot.lenses.find((one) => one.path === path)?.runs ?? [];
}

/** Up to where a lens is proven without a break, from the first instant that footage of it is expected. */
export function verifiedUntil(runs: readonly Run[]): EpochMs {
  const expected = runs.filter(({ state }) => state !== 'not-expected');
  const broken = expected.find((run) => !isVerified(run));
  return broken?.startMs ?? expected.at(-1)?.endMs ?? 0;
}

/** When footage of the first lens begins; undefined before there is any. */
export function beginningOf({ lenses }: Snapshot): EpochMs | undefined {
  const starts = lenses.flatMap(
    ({ runs }) => runs.find(({ state }) => state !== 'not-expected')?.startMs ?? [],
  );
  return starts.length === 0 ? undefined : Math.min(...starts);
}
