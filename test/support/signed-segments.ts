import type { KeyObject } from 'node:crypto';
import { createHash, sign } from 'node:crypto';
import type { LensName, VehicleId } from '@gapless/shared/ids';
import type { FragmentEntry } from '@gapless/shared/isobmff';
import {
  fragmentCoverage,
  identityBox,
  memorySource,
  parseInitSegment,
  scanSegment,
  sealBox,
  sealedBytes,
  wallMs,
} from '@gapless/shared/isobmff';
import { RangeSet } from '@gapless/shared/interval';
import type { SegmentRow } from '@gapless/shared/protocol';
import type { MadeSegment } from '../../fixtures/media/index.js';

/** A segment as a vehicle with an evidence key would hold it, and as its catalogue tells it. */
export interface SignedSegment {
  readonly bytes: Buffer;
  readonly row: SegmentRow;
  /** Where the parts lie in the file: head, each fragment, seal. */
  readonly parts: readonly { readonly from: number; readonly to: number }[];
  readonly fragments: readonly FragmentEntry[];
}

/** Gives a made segment to a lens of a vehicle and seals it with the vehicle's key. */
export async function signSegment(
  made: MadeSegment,
  owner: { vehicle: VehicleId; lens: LensName; evidenceKey: KeyObject },
): Promise<SignedSegment> {
  const { vehicle, lens, evidenceKey } = owner;
  const identity = { ...made.identity, vehicle, lens };
  const body = Buffer.concat([made.init, identityBox(identity), ...made.fragments.map(({ bytes }) => bytes)]);
  const statement = {
    v: 1 as const,
    endMs: made.endMs,
    fragments: made.fragments.length,
    sha256: createHash('sha256').update(body).digest('hex'),
    key: 'ev-1',
  };
  const signature = sign(null, sealedBytes(identity, statement), evidenceKey).toString('hex');
  const bytes = Buffer.concat([body, sealBox({ ...statement, signature })]);
  const { fragments } = await scanSegment(memorySource(bytes));
  const first = fragments[0]!;
  const startMs = wallMs(identity, first.startTicks);
  const extent = { startMs, endMs: Math.max(made.endMs, startMs + 1) };
  const init = parseInitSegment(made.init);
  const shown = RangeSet.from(
    made.fragments.flatMap((one) => [...fragmentCoverage(one.bytes, init, identity)]),
  );
  const holes = shown.complementWithin(extent);
  return {
    bytes,
    fragments,
    row: {
      lens,
      run: identity.run,
      seq: identity.seq,
      ...extent,
      sizeBytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      firstFragment: first.number,
      fragments: fragments.length,
      ...(holes.isEmpty ? {} : { holes: [...holes] }),
    },
    parts: [
      { from: 0, to: first.offset },
      ...fragments.map(({ offset, sizeBytes }) => ({ from: offset, to: offset + sizeBytes })),
      { from: body.length, to: bytes.length },
    ],
  };
}
