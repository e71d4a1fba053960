/** What must hold of central's store; `docs/design/store.md` gives each its reasons. */
export const invariants = {
  1: 'Every verified object has its file, with its size, and a table of fragments that lies inside it.',
  2: 'With the data read: the file is what it was when it was proven.',
  3: 'Every file of footage is named by a row: in media by a verified object, in assembly by a receiving one, in inbox by a transfer.',
  4: 'What a lens has live or fetched is exactly what its verified objects cover.',
  5: 'Ranges of a layer are disjoint and do not touch, and the layer is one that is known.',
  6: 'What retention gave up is not live or fetched.',
  7: "Only receiving objects have pieces; pieces are disjoint and lie inside the object's file.",
  8: 'Transfers are of requests that have not ended and of objects that are receiving.',
  9: 'Receipts are of verified objects, each vehicle gives a number once, and none beyond its counter.',
  10: 'Every row of the quarantine has its file.',
  11: 'A lens counts as many bytes as its verified objects have.',
  12: 'No file that is to be removed is that of an object.',
  13: 'The database passes its own integrity check.',
} as const;

export type Invariant = keyof typeof invariants;

/** How a finding can be put right from what is known; without one, somebody has to look. */
export type Repair =
  | { readonly kind: 'coverage'; readonly lensId: number }
  | { readonly kind: 'layer'; readonly lensId: number; readonly layer: string }
  | { readonly kind: 'count'; readonly lensId: number }
  | { readonly kind: 'pieces'; readonly objectId: number }
  | { readonly kind: 'transfer'; readonly transferId: string }
  | { readonly kind: 'receipt'; readonly objectId: number }
  /** The object's file is gone or damaged: what is left goes to quarantine, and all of it is asked for again. */
  | { readonly kind: 'object'; readonly objectId: number }
  | { readonly kind: 'remove-file'; readonly path: string }
  | { readonly kind: 'quarantine-file'; readonly path: string }
  | { readonly kind: 'quarantine-row'; readonly id: number }
  | { readonly kind: 'removal'; readonly path: string };

/** Something that does not hold. Findings are data: `check` tells them, and only `--repair` changes anything. */
export interface Finding {
  readonly invariant: Invariant;
  /** What it is about: a segment, a lens, a file. */
  readonly subject: string;
  readonly message: string;
  readonly repair: Repair | undefined;
}
