import { readFile, rm, writeFile } from 'node:fs/promises';
import { AppError } from '@gapless/shared/errors';
import type { LensName, VehicleId } from '@gapless/shared/ids';
import { RangeSet } from '@gapless/shared/interval';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MadeSegment } from '../../../../fixtures/media/index.js';
import { cutSegments, recorded } from '../../../../fixtures/media/index.js';
import { CentralKit } from '../../../../test/support/central-kit.js';
import type { SignedSegment } from '../../../../test/support/signed-segments.js';
import { signSegment } from '../../../../test/support/signed-segments.js';
import type { Lens, Vehicle } from '../store/index.js';
import { placeArtifact } from './place-artifact.js';

const STEPS = [
  'merge:1-verify',
  'merge:2-sync-file',
  'merge:3-publish',
  'merge:4-commit',
  'merge:5-committed',
];

/** Ends the work where a crash would, as far as one process can. */
class Crash extends Error {}

describe('merging', () => {
  let made: MadeSegment[];
  beforeAll(async () => {
    made = cutSegments(await recorded('tiny'), { fragmentsEach: 2 });
  });

  let kit: CentralKit;
  let vehicle: Vehicle;
  let lens: Lens;
  let segment: SignedSegment;
  beforeEach(async () => {
    kit = await CentralKit.create(Date.UTC(2026, 7, 22, 17));
    vehicle = await kit.enrol();
    lens = await kit.lens(vehicle);
    segment = await signSegment(made[0]!, {
      vehicle: vehicle.name,
      lens: lens.name,
      evidenceKey: kit.keys.get(vehicle.name)!.evidence,
    });
  });
  afterEach(() => kit[Symbol.asyncDispose]());

  const read = (id: number) => kit.store.read.objects.byId(id)!;
  const extent = (): { startMs: number; endMs: number } => ({
    startMs: segment.row.startMs,
    endMs: segment.row.endMs,
  });

  it('turns a whole assembly into the same file as the vehicle’s, with its coverage and its receipt', async () => {
    const object = await kit.expect(lens, segment.row);
    await kit.arrive(object, segment, segment.parts);
    expect(await kit.merger().settle(object.id)).toBe('verified');
    const stored = read(object.id);
    expect((await readFile(kit.layout.media(stored.path!))).equals(segment.bytes)).toBe(true);
    expect(kit.layer(lens, 'live').ranges).toEqual([extent()]);
    expect(kit.layer(lens, 'fetched').isEmpty).toBe(true);
    expect(kit.store.read.objects.receipts(vehicle.id, 0, 10)).toHaveLength(1);
    expect(kit.fresh(lens).storedBytes).toBe(segment.bytes.length);
    expect((await kit.check({ readData: true })).findings).toEqual([]);
    expect(await kit.merger().settle(object.id)).toBe('verified');
  });

  it('waits for the last byte and for the catalogue', async () => {
    const object = await kit.expect(lens, segment.row);
    await kit.arrive(object, segment, segment.parts.slice(0, -1));
    expect(await kit.merger().settle(object.id)).toBe('incomplete');
    expect(await kit.merger().settle(999)).toBe('incomplete');
  });

  it('says of each fragment how it came', async () => {
    const object = await kit.expect(lens, segment.row);
    const last = segment.fragments.length;
    await kit.arrive(
      object,
      segment,
      segment.parts.map((part, i) => ({ ...part, source: i === last ? 'fetched' : 'live' })),
    );
    await kit.merger().settle(object.id);
    const live = kit.layer(lens, 'live');
    const fetched = kit.layer(lens, 'fetched');
    expect(live.overlaps(fetched)).toBe(false);
    expect(live.union(fetched).ranges).toEqual([extent()]);
    expect(fetched.hull!.endMs).toBe(segment.row.endMs);
    expect(fetched.isEmpty || live.isEmpty).toBe(false);
  });

  it.each(STEPS)('ends verified after a crash at %s', async (at) => {
    const object = await kit.expect(lens, segment.row);
    await kit.arrive(object, segment, segment.parts);
    const step = (name: string): void => {
      if (name === at) throw new Crash(name);
    };
    await expect(kit.merger({ step }).settle(object.id)).rejects.toThrow(at);
    await kit.restart();
    expect(await kit.merger().settle(object.id)).toBe('verified');
    expect((await kit.check({ readData: true })).findings).toEqual([]);
    expect(kit.store.read.objects.receipts(vehicle.id, 0, 10)).toHaveLength(1);
    expect(kit.layer(lens, 'live').ranges).toEqual([extent()]);
  });

  it('puts away what is not what the vehicle says, and asks for all of it again', async () => {
    const object = await kit.expect(lens, segment.row);
    const broken = { ...segment, bytes: Buffer.from(segment.bytes) };
    broken.bytes[segment.bytes.length >> 1]! ^= 1;
    await kit.arrive(object, broken, segment.parts);
    await kit.cover(lens, 'received', [extent()]);
    const told: [number, string][] = [];
    const merger = kit.merger({ onQuarantined: (_vehicle, one, why) => told.push([one.id, why.code]) });
    expect(await merger.settle(object.id)).toBe('quarantined');
    expect(told).toEqual([[object.id, 'VERIFY_CHECKSUM_MISMATCH']]);
    expect(kit.store.read.pieces.of(object.id)).toEqual([]);
    expect(kit.layer(lens, 'received').isEmpty).toBe(true);
    expect(read(object.id)).toMatchObject({ state: 'receiving', failures: 1 });
    const [row] = kit.store.read.quarantine.newest(1);
    expect((await readFile(kit.layout.quarantine(row!.path))).equals(broken.bytes)).toBe(true);
    expect((await kit.check()).findings).toEqual([]);
    // It comes again, and is right this time.
    await kit.arrive(read(object.id), segment, segment.parts);
    expect(await merger.settle(object.id)).toBe('verified');
  });

  it.each([
    ['another vehicle’s', { vehicle: 'bus-007' }, 'VERIFY_IDENTITY_MISMATCH'],
    ['another lens’s', { lens: 'rear' }, 'VERIFY_IDENTITY_MISMATCH'],
    ['signed by another key', { key: true }, 'VERIFY_UNSIGNED'],
  ])('refuses a segment that is %s, however right its hash', async (_, changed, code) => {
    const {
      vehicle: name = vehicle.name,
      lens: other = lens.name,
      key = false,
    } = changed as { vehicle?: VehicleId; lens?: LensName; key?: boolean };
    const stranger = await kit.enrol('stranger');
    const forged = await signSegment(made[0]!, {
      vehicle: name,
      lens: other,
      evidenceKey: kit.keys.get(key ? stranger.name : vehicle.name)!.evidence,
    });
    const object = await kit.expect(lens, { ...forged.row, lens: lens.name });
    await kit.arrive(object, forged, forged.parts);
    expect(await kit.merger().settle(object.id)).toBe('quarantined');
    expect(kit.store.read.quarantine.newest(1)[0]!.reason).toBe(code);
  });

  it('starts over when the bytes that were noted are gone from the disk', async () => {
    const object = await kit.expect(lens, segment.row);
    await kit.arrive(object, segment, segment.parts);
    await kit.restart();
    await rm(kit.layout.assembly(vehicle.name, lens.name, object));
    const lost: string[] = [];
    const merger = kit.merger({ onQuarantined: (_id, _object, why) => lost.push(why.code) });
    expect(await merger.settle(object.id)).toBe('quarantined');
    expect(lost).toEqual(['ASSEMBLY_SHORT']);
    expect(kit.store.read.pieces.of(object.id)).toEqual([]);
    expect((await kit.check()).findings).toEqual([]);
  });

  it('keeps what it proved: bytes that come while it proves go nowhere', async () => {
    const object = await kit.expect(lens, segment.row);
    await kit.arrive(object, segment, segment.parts);
    const assembly = kit.assemblies.of(vehicle.name, object);
    let late: boolean | undefined;
    const merger = kit.merger({
      step: (name) => {
        if (name === 'merge:2-sync-file')
          void assembly.write(Buffer.alloc(50, 0xff), 0).then((written) => (late = written));
      },
    });
    expect(await merger.settle(object.id)).toBe('verified');
    expect(late).toBe(false);
    expect((await readFile(kit.layout.media(read(object.id).path!))).equals(segment.bytes)).toBe(true);
  });

  it('does not believe a hash from before a later write', async () => {
    const object = await kit.expect(lens, segment.row);
    const assembly = kit.assemblies.of(vehicle.name, object);
    await assembly.write(segment.bytes, 0);
    assembly.know(segment.row.sha256);
    await assembly.write(Buffer.from([segment.bytes[100]! ^ 1]), 100);
    expect(await assembly.sha256(segment.bytes.length)).not.toBe(segment.row.sha256);
  });

  it('does not call missing what the file has no picture of, whatever the vehicle measured', async () => {
    const object = await kit.expect(lens, segment.row);
    await kit.arrive(object, segment, segment.parts);
    await kit.cover(lens, 'held', [extent()]);
    const hole = RangeSet.of({ startMs: segment.row.startMs + 100, endMs: segment.row.startMs + 400 });
    const whole = RangeSet.of(extent());
    const merger = kit.merger({
      prove: async () => ({
        identity: { startMs: 0, startTicks: 0, timescale: 1000, ppm: 0 },
        fragments: segment.fragments,
        ...extent(),
        coverage: whole.subtract(hole),
      }),
    });
    await merger.settle(object.id);
    expect(kit.layer(lens, 'held').overlaps(hole)).toBe(false);
    expect(kit.layer(lens, 'absent:no-signal').equals(hole)).toBe(true);
    expect(read(object.id).holes?.equals(hole)).toBe(true);
    expect((await kit.check()).findings).toEqual([]);
  });

  it('hands on a failure of the disk and proves again later', async () => {
    const object = await kit.expect(lens, segment.row);
    await kit.arrive(object, segment, segment.parts);
    const failing = kit.merger({
      prove: () => Promise.reject(new AppError('STORAGE_WRITE_FAILED', 'the disk is dying')),
    });
    await expect(failing.settle(object.id)).rejects.toThrow('the disk is dying');
    expect(await kit.merger().settle(object.id)).toBe('verified');
  });

  it('settles an object once, however many ask at the same time', async () => {
    const object = await kit.expect(lens, segment.row);
    await kit.arrive(object, segment, segment.parts);
    let proofs = 0;
    const merger = kit.merger({
      step: (name) => {
        if (name === 'merge:1-verify') proofs++;
      },
    });
    const all = await Promise.all(Array.from({ length: 5 }, () => merger.settle(object.id)));
    expect(all).toEqual(['verified', 'verified', 'verified', 'verified', 'verified']);
    expect(proofs).toBe(1);
  });

  describe(placeArtifact, () => {
    const place = async (bytes: { from: number; to: number }[]) => {
      const object = await kit.expect(lens, segment.row);
      const file = `${kit.layout.inboxDir}-artifact.part`;
      await writeFile(file, Buffer.concat(bytes.map(({ from, to }) => segment.bytes.subarray(from, to))));
      const port = { disk: kit.disk, assemblies: kit.assemblies };
      const artifact = { file, sha256: segment.row.sha256 };
      return {
        object,
        file,
        placed: await placeArtifact(port, artifact, { vehicle: vehicle.name, object, bytes }),
      };
    };

    it('makes a whole segment the object’s file without copying it', async () => {
      const { object, file, placed } = await place([{ from: 0, to: segment.bytes.length }]);
      expect(placed.placed).toBe(true);
      expect(await kit.disk.sizeBytes(file)).toBeUndefined();
      await placed.cleanUp();
      expect(await kit.disk.sizeBytes(kit.layout.assembly(vehicle.name, lens.name, object))).toBe(
        segment.bytes.length,
      );
    });

    it('puts parts where they belong and keeps the artifact until that is noted', async () => {
      const parts = [segment.parts[0]!, segment.parts[2]!];
      const { object, file, placed } = await place(parts);
      const assembled = await readFile(kit.layout.assembly(vehicle.name, lens.name, object));
      for (const { from, to } of parts)
        expect(assembled.subarray(from, to).equals(segment.bytes.subarray(from, to))).toBe(true);
      expect(await kit.disk.sizeBytes(file)).toBeDefined();
      await placed.cleanUp();
      expect(await kit.disk.sizeBytes(file)).toBeUndefined();
    });

    it('leaves an object alone that is being proven', async () => {
      const object = await kit.expect(lens, segment.row);
      await kit.assemblies.of(vehicle.name, object).freeze();
      for (const bytes of [[{ from: 0, to: segment.bytes.length }], [segment.parts[1]!]]) {
        const { placed } = await place(bytes);
        expect(placed.placed).toBe(false);
        await placed.cleanUp();
      }
    });

    it('says so when the artifact is shorter than its ranges', async () => {
      const object = await kit.expect(lens, segment.row);
      const file = `${kit.layout.inboxDir}-short.part`;
      await writeFile(file, segment.bytes.subarray(0, 10));
      const port = { disk: kit.disk, assemblies: kit.assemblies };
      const bytes = [{ from: 0, to: 20 }];
      await expect(
        placeArtifact(port, { file, sha256: '' }, { vehicle: vehicle.name, object, bytes }),
      ).rejects.toMatchObject({ code: 'ASSEMBLY_SHORT' });
    });
  });
});
