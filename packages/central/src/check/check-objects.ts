import { toAppError } from '@gapless/shared/errors';
import { segmentId } from '@gapless/shared/ids';
import type { RangeSet } from '@gapless/shared/interval';
import { decodeFragmentTable } from '@gapless/shared/isobmff';
import type { DataLayout } from '../store/layout.js';
import type { StoredObject } from '../store/objects.js';
import { coverageOfObject } from '../store/objects.js';
import type { Piece } from '../store/pieces.js';
import type { StoreReader } from '../store/store.js';
import type { Finding } from './finding.js';

/** What the file of an object proves by its own bytes. */
export interface Measured {
  readonly startMs: number;
  readonly endMs: number;
  readonly coverage: RangeSet;
}

export interface ObjectFacts {
  readonly object: StoredObject;
  readonly pieces: readonly Piece[];
  /** Absolute path: of the stored file, or of the one in which it is being put together. */
  readonly file: string;
  /** `bus-042/front/20260822T165728123Z-3fa9c1/000012` */
  readonly subject: string;
  readonly isToBeRemoved: boolean;
}

/** What is known of an object, all of the same moment. */
export function factsOf(tables: StoreReader, layout: DataLayout, object: StoredObject): ObjectFacts {
  const { vehicle } = tables.lenses.byId(object.lensId)!;
  const isVerified = object.state === 'verified';
  const file = isVerified ? layout.media(object.path!) : layout.assembly(vehicle, object.lens, object);
  return {
    object,
    pieces: tables.pieces.of(object.id),
    file,
    subject: `${vehicle}/${segmentId(object)}`,
    isToBeRemoved: tables.removals.has(layout.relative(file)),
  };
}

/** Holds an object against its file's size; `sizeBytes` is undefined when there is no file. Invariants 1, 7 and 12. */
export function checkObject(facts: ObjectFacts, sizeBytes: number | undefined): Finding[] {
  return facts.object.state === 'verified'
    ? checkVerified(facts, sizeBytes)
    : checkReceiving(facts, sizeBytes);
}

function checkVerified(facts: ObjectFacts, sizeBytes: number | undefined): Finding[] {
  const { object, pieces, file, subject, isToBeRemoved } = facts;
  const findings: Finding[] = [];
  const again = { kind: 'object', objectId: object.id } as const;
  const wanted = object.expected!.sizeBytes;
  if (sizeBytes === undefined)
    findings.push({ invariant: 1, subject, message: `its file ${file} is gone`, repair: again });
  else if (sizeBytes !== wanted) {
    const message = `its file ${file} has ${sizeBytes} bytes of ${wanted}`;
    findings.push({ invariant: 1, subject, message, repair: again });
  }
  if (pieces.length > 0) {
    const repair = { kind: 'pieces', objectId: object.id } as const;
    findings.push({ invariant: 7, subject, message: 'it is verified and still has pieces', repair });
  }
  if (isToBeRemoved) {
    const repair = { kind: 'removal', path: object.path! } as const;
    findings.push({ invariant: 12, subject, message: 'its file is noted as to be removed', repair });
  }
  const wrong = wrongTable(object);
  if (wrong !== undefined) findings.push({ invariant: 1, subject, message: wrong, repair: again });
  return findings;
}

/** The table by which an object is played must describe fragments in a row, inside the file. */
function wrongTable({ fragments, expected }: StoredObject): string | undefined {
  try {
    let end = 0;
    for (const { offset, sizeBytes } of decodeFragmentTable(fragments!)) {
      if (offset < end) return 'fragments of its table overlap';
      end = offset + sizeBytes;
    }
    if (end === 0) return 'its table has no fragments';
    return end <= expected!.sizeBytes ? undefined : 'its table reaches beyond its file';
  } catch (thrown) {
    return `its table cannot be read: ${toAppError(thrown).message}`;
  }
}

function checkReceiving(
  { object, pieces, file, subject }: ObjectFacts,
  sizeBytes: number | undefined,
): Finding[] {
  const repair = { kind: 'pieces', objectId: object.id } as const;
  const findings: Finding[] = [];
  let end = 0;
  for (const { from, to } of pieces) {
    if (from < end)
      findings.push({ invariant: 7, subject, message: `its pieces overlap at byte ${from}`, repair });
    end = Math.max(end, to);
  }
  if (end > (sizeBytes ?? 0)) {
    const message = `its pieces reach to byte ${end}, its file ${file} to ${sizeBytes ?? 0}`;
    findings.push({ invariant: 7, subject, message, repair });
  }
  return findings;
}

/** Holds an object against what its file was proven to be just now. Invariant 2. */
export function checkMeasured({ object, subject }: ObjectFacts, measured: Measured): Finding[] {
  const repair = { kind: 'object', objectId: object.id } as const;
  if (measured.startMs !== object.startMs || measured.endMs !== object.endMs)
    return [{ invariant: 2, subject, message: 'its samples have another extent than its row', repair }];
  if (object.holes === undefined || coverageOfObject(object).equals(measured.coverage)) return [];
  return [{ invariant: 2, subject, message: 'its samples cover something else than its row says', repair }];
}
