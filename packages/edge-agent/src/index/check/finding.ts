import type { LensName, SegmentId } from '@gapless/shared/ids';

/** The invariants of the recordings and their index, in the order and the words of `docs/design/index.md`. */
export const invariants = [
  'database',
  'rows',
  'change-sequence',
  'lens-bytes',
  'open-runs',
  'numbering',
  'run-extent',
  'no-overlap',
  'fragments',
  'file',
  'place',
  'orphan',
  'removal',
  'chain',
  'journal',
  'protections',
  'hash',
  'structure',
  'identity',
  'seal',
  'row-of-file',
] as const;

export type Invariant = (typeof invariants)[number];

/** A place at which an invariant does not hold. */
export interface Finding {
  readonly invariant: Invariant;
  /** `error`: something is damaged or lost. `warning`: the agent's next start puts it right, or it does no harm. */
  readonly severity: 'error' | 'warning';
  readonly lens?: LensName;
  readonly segment?: SegmentId;
  /** Below the storage directory. */
  readonly path?: string;
  /** What is wrong, as one sentence. */
  readonly detail: string;
  /** What to do about it. */
  readonly remedy: string;
}

export const REMEDIES = {
  rebuild: 'Stop the agent and run: gapless-edge check --rebuild',
  unknown:
    'Stop the agent and run: gapless-edge check --rebuild. What that leaves out cannot be read: move it away.',
  hole: 'If its file is there, make the index anew; if not, nothing brings it back here, but central may have it.',
  restart: 'Start the agent: it finishes what was interrupted.',
  lost: 'Nothing brings it back here; central may have it. A rebuilt index no longer promises it.',
  damaged: 'Keep the file for examination; once central asks for it, the agent puts it into quarantine.',
  foreign: 'Move it to another place if you need it, or remove it.',
} as const;
