import type { DurationMs } from '@gapless/shared/time';
import type { Frames } from './proof.js';

/** What the demo found out. */
export interface Outcome {
  /** How long the link was cut. */
  readonly tunnelMs: DurationMs;
  /** The longest stretch of one lens that had to be completed. */
  readonly gapMs: DurationMs;
  /** Fragments that the vehicle recorded in the gaps of its lenses, and their bytes. */
  readonly missingFragments: number;
  readonly missingBytes: number;
  /** What the vehicle sent over SFTP, SSH included, as counted on the link. */
  readonly sentBytes: number;
  /** What of it were bytes of segments, by central's record. */
  readonly payloadBytes: number;
  /** From the link's return until the last missing second was proven. */
  readonly healMs: DurationMs;
  /** All lenses, picture and sound. */
  readonly frames: Frames;
  readonly mp4: string;
  readonly mp4Ms: DurationMs;
  /** Frames that a player reads from the playlist, those of the exported lens. */
  readonly playlistFrames: Frames;
  readonly playlist: string;
  readonly timeline: string;
  /** The longest gap that central has shown of the other vehicle since the cut. */
  readonly otherGapMs: DurationMs;
  /** What of the other vehicle had to be completed since the cut: nothing, unless the machine is too busy for live. */
  readonly otherLateMs: DurationMs;
  /** Why this is no proof, as sentences; empty when it is one. */
  readonly doubts: readonly string[];
}
