import type { Range } from '@gapless/shared/interval';
import { intersection, RangeSet } from '@gapless/shared/interval';
import type { MovieGap } from '@gapless/shared/isobmff';

/** Why a clip does not show a stretch: as the movie has it, or why the vehicle has no footage of it. */
export interface ClipGap extends Range {
  readonly reason: string;
}

export interface GapSources {
  /** Files that could not be read. */
  readonly damaged: readonly Range[];
  /** Why footage of a stretch is not held; what it leaves out is held. */
  readonly whyMissing: (range: Range) => readonly ClipGap[];
}

/** Gives each stretch without samples the reason that the vehicle knows for it. */
export function explainGaps(gaps: readonly MovieGap[], { damaged, whyMissing }: GapSources): ClipGap[] {
  return gaps.flatMap((gap): ClipGap[] => {
    if (gap.reason !== 'missing') return [gap];
    const broken = RangeSet.from(damaged).within(gap);
    const explained: ClipGap[] = [...broken].map((range) => ({ ...range, reason: 'damaged' }));
    let open = RangeSet.of(gap).subtract(broken);
    for (const stretch of [...open])
      for (const why of whyMissing(stretch)) {
        const range = intersection(why, stretch);
        if (range) explained.push({ ...range, reason: why.reason });
      }
    open = open.subtract(RangeSet.from(explained));
    explained.push(...[...open].map((range) => ({ ...range, reason: gap.reason })));
    return explained.sort((a, b) => a.startMs - b.startMs);
  });
}
