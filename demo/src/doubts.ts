import type { DurationMs, EpochMs } from '@gapless/shared/time';
import { otherVehicle, tunnelVehicle } from './cast.js';
import type { Frames } from './proof.js';
import { isWhole } from './proof.js';
import type { SeenGaps } from './seen-gaps.js';

/** What a proof has to hold up to. */
export interface Findings {
  /** The longest stretch of one lens that had to be completed. */
  readonly gapMs: DurationMs;
  /** All lenses, picture and sound. */
  readonly frames: Frames;
  /** Frames that a player reads from the playlist. */
  readonly playlistFrames: Frames;
  /** When the last picture that is served of each lens was made, at the earliest; by the camera's own count. */
  readonly servedUntilMs: EpochMs;
  /** When the link returned. */
  readonly returnedMs: EpochMs;
  /** What central has shown since the link was cut. */
  readonly gaps: Pick<SeenGaps, 'longestMs'>;
}

/** A shorter gap is a fragment or two that a busy machine has told of and not passed on yet. */
export const FLEETING_MS: DurationMs = 3_000;

/** Why findings are no proof that the gap is filled, as sentences; none when they are. */
export function doubtsAbout(findings: Findings): string[] {
  const { frames, playlistFrames, gapMs, servedUntilMs, returnedMs, gaps } = findings;
  const claims: readonly (readonly [holds: boolean, otherwise: string])[] = [
    [gapMs > 0, 'Nothing had to be completed: there was no gap to fill.'],
    [gaps.longestMs(tunnelVehicle.name) > 0, 'central never showed a gap.'],
    [
      gaps.longestMs(otherVehicle.name) < FLEETING_MS,
      `${otherVehicle.name} had a gap, although its link was never cut.`,
    ],
    [isWhole(frames), `${sentenceOf(frames)}.`],
    [isWhole(playlistFrames), `${sentenceOf(playlistFrames)}, as a player reads the playlist.`],
    [servedUntilMs >= returnedMs, 'What central serves ends before the seam.'],
  ];
  return claims.filter(([holds]) => !holds).map(([, otherwise]) => otherwise);
}

function sentenceOf({ expected, lost, doubled, foreign }: Frames): string {
  return `Of ${expected.toLocaleString('en')} frames ${lost} are lost, ${doubled} doubled and ${foreign} foreign or out of order`;
}
