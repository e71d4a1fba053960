import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newSortableId } from '@gapless/shared/ids';
import { RangeSet } from '@gapless/shared/interval';
import { encodeFragmentTable } from '@gapless/shared/isobmff';
import { expect } from 'vitest';
import type { Invariant } from '../../packages/central/src/check/index.js';
import type { Lens } from '../../packages/central/src/store/index.js';
import { uploadName } from '../../packages/central/src/store/index.js';
import type { CentralKit } from './central-kit.js';
import type { OrderlyStore } from './orderly-store.js';
import { extentOf, leave } from './orderly-store.js';

/** Breaks one thing of a store that is in order. */
export interface Damage {
  readonly rule: Invariant;
  readonly what: string;
  readonly break: (place: OrderlyStore) => void | Promise<void>;
  /** Seen only when all footage is read. */
  readonly readData?: boolean;
  /** How many findings, where one fault shows in several places. */
  readonly findings?: number;
  /** What holds once it is put right, beside that nothing is found any more; `false` when it cannot be put right. */
  readonly repaired?: false | ((place: OrderlyStore) => void | Promise<void>);
}

/** Each kind of damage that a check knows, by its rule. */
export const storeDamages: readonly Damage[] = [
  {
    rule: 1,
    what: 'a stored file is gone',
    break: ({ kit, stored }) => rm(kit.layout.media(stored[1]!.path!)),
    repaired: expectAskedAgain,
  },
  {
    rule: 1,
    what: 'a stored file is shorter',
    break: ({ kit, stored }) => truncate(kit.layout.media(stored[1]!.path!), 500),
    repaired: async (place) => {
      expectAskedAgain(place);
      expect(await quarantineNames(place)).toContainEqual(expect.stringMatching(/\.damaged$/));
    },
  },
  {
    rule: 1,
    what: 'a table of fragments reaches beyond its file',
    break: ({ sql, segments, stored }) => {
      const last = segments[1]!.fragments.at(-1)!;
      const table = encodeFragmentTable([{ ...last, sizeBytes: segments[1]!.bytes.length }]);
      sql('UPDATE object SET fragments = ? WHERE id = ?', table, stored[1]!.id);
    },
    repaired: expectAskedAgain,
  },
  {
    rule: 1,
    what: 'a table of fragments cannot be read',
    break: ({ sql, stored }) => sql("UPDATE object SET fragments = x'ff' WHERE id = ?", stored[1]!.id),
    repaired: expectAskedAgain,
  },
  {
    rule: 2,
    what: 'a byte of a stored file has changed',
    readData: true,
    break: ({ kit, stored }) => flipByte(kit.layout.media(stored[0]!.path!)),
  },
  {
    rule: 2,
    what: 'the seals are not of the vehicle’s key',
    readData: true,
    findings: 3,
    break: ({ sql }) => sql('UPDATE vehicle SET evidence_key = link_key'),
  },
  {
    rule: 3,
    what: 'a file in media that no object names',
    break: ({ kit, stored }) =>
      writeFile(kit.layout.media(stored[0]!.path!).replace('_000000.mp4', '_000099.mp4'), 'footage'),
    repaired: async (place) =>
      expect(await quarantineNames(place)).toContainEqual(
        expect.stringMatching(/_000099\.mp4\.\d+\.orphan$/),
      ),
  },
  {
    rule: 3,
    what: 'a file in media that is named like nothing of ours',
    break: ({ kit }) => leave(kit.layout.media('bus-042/front/holiday.mov')),
  },
  {
    rule: 3,
    what: 'a file in assembly of a segment that is verified',
    break: ({ kit, vehicle, lens, stored }) =>
      leave(kit.layout.assembly(vehicle.name, lens.name, stored[0]!)),
    repaired: async ({ kit, vehicle, lens, stored }) =>
      expect(
        await kit.disk.sizeBytes(kit.layout.assembly(vehicle.name, lens.name, stored[0]!)),
      ).toBeUndefined(),
  },
  {
    rule: 3,
    what: 'an upload of a transfer that is no more',
    break: ({ kit, vehicle }) =>
      leave(
        join(
          kit.layout.inboxDir,
          vehicle.name,
          uploadName(newSortableId('xfer', 0, kit.random), 'a'.repeat(64)),
        ),
      ),
  },
  {
    rule: 3,
    what: 'an upload in the directory of another vehicle',
    break: async ({ kit, vehicle, receiving }) => {
      const { id } = kit.store.read.transfers.ofObject(receiving.id)!;
      await leave(join(kit.layout.inboxDir, `${vehicle.name}x`, uploadName(id, 'a'.repeat(64))));
    },
  },
  {
    rule: 4,
    what: 'the coverage has forgotten footage',
    break: ({ kit, lens, stored }) =>
      uncover(kit, lens, { startMs: stored[1]!.startMs, endMs: stored[1]!.startMs + 300 }),
    repaired: ({ kit, lens, stored }) =>
      expect(kit.layer(lens, 'fetched').ranges).toEqual([
        { startMs: stored[1]!.startMs, endMs: stored[1]!.startMs + 300 },
      ]),
  },
  {
    rule: 4,
    what: 'the coverage claims footage that is not there',
    break: ({ kit, lens, stored }) => {
      const { endMs } = stored[2]!;
      return kit.cover(lens, 'live', [{ startMs: endMs, endMs: endMs + 1_000 }]);
    },
    repaired: ({ kit, lens, stored }) => expect(kit.layer(lens, 'live').hull!.endMs).toBe(stored[2]!.endMs),
  },
  {
    rule: 5,
    what: 'ranges of a layer touch',
    break: ({ sql, lens }) => {
      sql("INSERT INTO coverage VALUES (?, 'held', 10, 20), (?, 'held', 20, 30)", lens.id, lens.id);
    },
    repaired: ({ kit, lens }) =>
      expect(kit.layer(lens, 'held').ranges[0]).toEqual({ startMs: 10, endMs: 30 }),
  },
  {
    rule: 5,
    what: 'ranges of a layer overlap',
    break: ({ sql, lens }) => {
      sql(
        "INSERT INTO coverage VALUES (?, 'lost:evicted', 10, 25), (?, 'lost:evicted', 20, 30)",
        lens.id,
        lens.id,
      );
    },
  },
  {
    rule: 5,
    what: 'a layer is not one that is known',
    break: ({ sql, lens }) => sql("INSERT INTO coverage VALUES (?, 'imagined', 10, 20)", lens.id),
  },
  {
    rule: 6,
    what: 'footage counts as given up and is verified',
    break: ({ kit, lens, stored }) => kit.cover(lens, 'expired', [{ ...extentOf(stored[0]!) }]),
    repaired: ({ kit, lens, stored }) => {
      const expired = kit.layer(lens, 'expired');
      expect(expired.overlaps(RangeSet.of(extentOf(stored[0]!)))).toBe(false);
      expect(expired.isEmpty).toBe(false);
    },
  },
  {
    rule: 7,
    what: 'a verified object has pieces',
    break: ({ sql, stored }) => sql("INSERT INTO piece VALUES (?, 'live', 0, 10)", stored[0]!.id),
  },
  {
    rule: 7,
    what: 'pieces overlap',
    break: ({ sql, receiving }) => sql("INSERT INTO piece VALUES (?, 'fetched', 5, 50)", receiving.id),
    repaired: ({ kit, receiving }) => expect(kit.store.read.pieces.of(receiving.id)).toEqual([]),
  },
  {
    rule: 7,
    what: 'pieces reach beyond their file',
    break: ({ kit, vehicle, lens, receiving }) =>
      truncate(kit.layout.assembly(vehicle.name, lens.name, receiving), 20),
  },
  {
    rule: 8,
    what: 'a transfer is of a request that has ended',
    break: ({ sql, ended }) => sql('UPDATE transfer SET request_id = ?', ended),
    repaired: ({ kit, receiving }) => expect(kit.store.read.transfers.ofObject(receiving.id)).toBeUndefined(),
  },
  {
    rule: 8,
    what: 'a transfer is of an object that is verified',
    break: ({ sql, stored }) => sql('UPDATE transfer SET object_id = ?', stored[0]!.id),
  },
  {
    rule: 9,
    what: 'a receipt of an object that is not verified',
    break: ({ sql, receiving }) => sql('UPDATE object SET receipt_seq = 1 WHERE id = ?', receiving.id),
    findings: 2, // two have the number now, and the other one is innocent
  },
  {
    rule: 9,
    what: 'a receipt beyond the counter of its vehicle',
    break: ({ sql, stored }) => sql('UPDATE object SET receipt_seq = 900 WHERE id = ?', stored[0]!.id),
    repaired: ({ kit, vehicle }) =>
      expect(kit.store.read.objects.receipts(vehicle.id, 0, 10).map(({ seq }) => seq)).toEqual([2, 3, 901]),
  },
  {
    rule: 9,
    what: 'a number that was given twice',
    break: ({ sql, stored }) => sql('UPDATE object SET receipt_seq = 3 WHERE id = ?', stored[0]!.id),
    findings: 2,
    repaired: ({ kit, vehicle }) =>
      expect(kit.store.read.objects.receipts(vehicle.id, 0, 10)).toHaveLength(3),
  },
  {
    rule: 10,
    what: 'a file in quarantine is gone',
    break: ({ kit }) => rm(kit.layout.quarantine('bad')),
    repaired: ({ kit }) => expect(kit.store.read.quarantine.count()).toBe(0),
  },
  {
    rule: 11,
    what: 'a lens counts other bytes than it has',
    break: ({ sql, lens }) => sql('UPDATE lens SET stored_bytes = stored_bytes + 1 WHERE id = ?', lens.id),
    repaired: ({ kit, lens, segments }) =>
      expect(kit.fresh(lens).storedBytes).toBe(
        segments.slice(0, 3).reduce((sum, { bytes }) => sum + bytes.length, 0),
      ),
  },
  {
    rule: 12,
    what: 'the file of an object is to be removed',
    break: ({ sql, stored }) => sql('INSERT INTO removal VALUES (?)', `media/${stored[0]!.path!}`),
    repaired: ({ kit }) => expect(kit.store.read.removals.next(1)).toEqual([]),
  },
  {
    rule: 13,
    what: 'a row refers to one that is not there',
    break: ({ sql }) => sql("INSERT INTO request_range VALUES ('req_none', 1, 2)"),
    repaired: false,
  },
];

function expectAskedAgain({ kit, lens, stored }: OrderlyStore): void {
  const again = kit.store.read.objects.byId(stored[1]!.id)!;
  expect(again).toMatchObject({ state: 'receiving', expected: stored[1]!.expected, failures: 0 });
  expect(kit.layer(lens, 'live').overlaps(RangeSet.of(extentOf(stored[1]!)))).toBe(false);
}

async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(path, bytes);
}

async function uncover(
  kit: CentralKit,
  lens: Lens,
  range: { startMs: number; endMs: number },
): Promise<void> {
  await kit.store.write((tables) => tables.coverage.remove(lens.id, 'live', [range]));
}

function quarantineNames({ kit }: OrderlyStore): Promise<string[]> {
  return readdir(kit.layout.quarantine(''));
}
