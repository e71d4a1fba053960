import { readFile } from 'node:fs/promises';
import { parseLensName, parseRunId } from '@gapless/shared/ids';
import type { LiveSlice, PieceDescriptor } from '@gapless/shared/protocol';
import { MAX_SEGMENT_MS, MAX_SLICE_BYTES } from '@gapless/shared/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CentralKit, pass } from '../../../../test/support/central-kit.js';
import { at } from '../../../../test/support/drawn-timeline.js';
import type { Vehicle } from '../store/index.js';
import { LiveReceiver } from './live-receiver.js';

const REF = { lens: parseLensName('front'), run: parseRunId('20260101T000000000Z-3fa9c1'), seq: 0 };

function fragment(number: number, offset: number, sizeBytes: number, seq = 0): PieceDescriptor {
  return {
    ...REF,
    seq,
    part: 'fragment',
    number,
    offset,
    sizeBytes,
    startMs: at(number),
    endMs: at(number + 1),
  };
}

/** A piece in slices. */
function* slices(piece: number, descriptor: PieceDescriptor, fill = piece): Generator<LiveSlice> {
  for (let from = 0; from < descriptor.sizeBytes; from += MAX_SLICE_BYTES) {
    const to = Math.min(from + MAX_SLICE_BYTES, descriptor.sizeBytes);
    yield {
      piece,
      descriptor: from === 0 ? descriptor : undefined,
      last: to === descriptor.sizeBytes,
      bytes: Buffer.alloc(to - from, fill),
    };
  }
}

describe(LiveReceiver, () => {
  let kit: CentralKit;
  let vehicle: Vehicle;
  let receiver: LiveReceiver;
  let acknowledged: number[];
  let noted: number[];
  let passed: number[];
  let failures: string[];
  beforeEach(async () => {
    kit = await CentralKit.create();
    vehicle = await kit.enrol();
    [acknowledged, noted, passed, failures] = [[], [], [], []];
    receiver = new LiveReceiver({
      store: kit.store,
      assemblies: kit.assemblies,
      vehicle: vehicle.name,
      vehicleId: vehicle.id,
      acknowledge: (bytes) => void acknowledged.push(bytes),
      onPiece: (_object, bytes) => void noted.push(bytes),
      onFailure: (error) => void failures.push(error.code),
      onPassed: (object) => void passed.push(object),
    });
  });
  afterEach(() => kit[Symbol.asyncDispose]());

  const take = async (piece: number, descriptor: PieceDescriptor): Promise<void> => {
    for (const slice of slices(piece, descriptor)) await receiver.take(slice);
  };
  const lens = () => kit.store.read.lenses.byName(vehicle.id, REF.lens)!;
  const object = (seq = 0) => kit.store.read.objects.byRef(lens().id, REF.run, seq)!;

  it('writes each slice to its place and notes whole pieces', async () => {
    await take(1, fragment(1, 100, 40_000));
    await take(2, fragment(3, 60_000, 20_000));
    await pass(kit.clock, 1_000);
    expect(noted).toEqual([40_000, 20_000]);
    expect(kit.store.read.pieces.of(object().id)).toEqual([
      { source: 'live', from: 100, to: 40_100 },
      { source: 'live', from: 60_000, to: 80_000 },
    ]);
    const bytes = await readFile(kit.layout.assembly(vehicle.name, REF.lens, object()));
    expect([bytes[100], bytes[40_099], bytes[40_100], bytes[60_000], bytes[79_999]]).toEqual([1, 1, 0, 2, 2]);
    expect(kit.layer(lens(), 'received').ranges).toEqual([
      { startMs: at(1), endMs: at(2) },
      { startMs: at(3), endMs: at(4) },
    ]);
    expect(object()).toMatchObject({ startMs: at(1), endMs: at(4) });
    expect(acknowledged.at(-1)).toBe(60_000);
  });

  it('does not note a piece whose bytes went nowhere', async () => {
    await take(1, fragment(1, 100, 1_000));
    await kit.assemblies.of(vehicle.name, object()).freeze();
    await take(2, fragment(2, 1_100, 1_000));
    await pass(kit.clock, 1_000);
    expect(kit.store.read.pieces.of(object().id)).toEqual([{ source: 'live', from: 100, to: 1_100 }]);
  });

  it('tells when a lens has passed on to the next segment', async () => {
    await take(1, fragment(1, 100, 1_000));
    const first = object().id;
    await take(2, fragment(11, 100, 1_000, 1));
    expect(passed).toEqual([first]);
    expect(receiver.hasSeen({ ...REF, seq: 1 })).toBe(true);
    expect(receiver.hasSeen({ ...REF, seq: 2 })).toBe(false);
  });

  it('refuses slices that do not fit together', async () => {
    const [first, second] = [...slices(1, fragment(1, 100, 1.5 * MAX_SLICE_BYTES))];
    await expect(receiver.take(second!)).rejects.toMatchObject({ code: 'LIVE_PIECE_INVALID' });
    await receiver.take(first!);
    await expect(receiver.take({ ...second!, piece: 2 })).rejects.toMatchObject({
      code: 'LIVE_PIECE_INVALID',
    });
    await expect(receiver.take({ ...second!, last: false })).rejects.toMatchObject({
      code: 'LIVE_PIECE_INVALID',
    });
    await expect(receiver.take({ ...second!, bytes: Buffer.alloc(MAX_SLICE_BYTES) })).rejects.toMatchObject({
      code: 'LIVE_PIECE_INVALID',
    });
  });

  it('keeps the extent of an object within that of a segment, so that windows find it', async () => {
    await take(1, fragment(1, 100, 1_000));
    const endless = { ...fragment(2, 1_100, 1_000), endMs: at(2) + MAX_SEGMENT_MS + 1 } as PieceDescriptor;
    await expect(take(2, endless)).rejects.toMatchObject({ code: 'LIVE_PIECE_INVALID' });
    await take(3, {
      ...fragment(3, 2_100, 1_000),
      startMs: at(100_000),
      endMs: at(100_001),
    } as PieceDescriptor);
    await pass(kit.clock, 1_000);
    expect(object()).toMatchObject({ startMs: at(1), endMs: at(2) });
  });

  it('tells when notes could not be committed', async () => {
    await take(1, fragment(1, 100, 1_000));
    kit.store.writeLazily = () => Promise.reject(new Error('the disk is full'));
    await take(2, fragment(2, 1_100, 1_000));
    await pass(kit.clock, 1_000);
    expect(failures).toEqual(['INTERNAL']);
  });
});
