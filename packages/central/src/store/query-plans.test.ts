import { newRunId, parseLensName, parseVehicleId, segmentId } from '@gapless/shared/ids';
import { RangeSet } from '@gapless/shared/interval';
import { Statements } from '@gapless/shared/sqlite';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import { ClaimWriter } from './claims.js';
import { CoverageWriter } from './coverage.js';
import { LensWriter } from './lenses.js';
import { ObjectWriter } from './objects.js';
import { PieceWriter } from './pieces.js';
import { QuarantineWriter } from './quarantine.js';
import { RemovalWriter } from './removals.js';
import { RequestWriter } from './requests.js';
import { storeSchema } from './schema.js';
import { TokenWriter } from './tokens.js';
import { TransferWriter } from './transfers.js';
import { VehicleWriter } from './vehicles.js';

/** Tables that grow with time; those of vehicles and lenses are as large as the fleet. */
const GROWING = [
  ['claim'],
  ['run'],
  ['object', 'o'],
  ['piece', 'p'],
  ['coverage'],
  ['request', 'r'],
  ['request_range', 'rr'],
  ['transfer', 't'],
  ['quarantine'],
  ['removal'],
  ['token'],
].flat();

/** Read from one end and no further than the page that is asked for, or as small as what went wrong. */
const FROM_ONE_END: Record<string, string> = {
  'quarantine.newest': 'by its key, newest first, with a limit',
  'quarantine.count': 'by a covering index; every row of it is a fault that somebody has to look at',
  'removals.next': 'by its key, with a limit',
  'tokens.isEmpty': 'one row',
};

/** Chosen from the little that is under way, or still to be acknowledged. */
const SORTED_FEW = new Set([
  'transfers.next',
  'requests.openOnline',
  'objects.abandoned',
  'objects.receipts',
]);

/** Notes what is run, and runs it. */
class RecordingStatements extends Statements {
  readonly ran: { sql: string; bind: unknown[] }[] = [];

  override all<Row>(sql: string, ...bind: unknown[]): Row[] {
    this.ran.push({ sql, bind });
    return super.all(sql, ...bind);
  }
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as the method that it records
  override get<Row>(sql: string, ...bind: unknown[]): Row | undefined {
    this.ran.push({ sql, bind });
    return super.get(sql, ...bind);
  }
  override run(sql: string, ...bind: unknown[]): number {
    this.ran.push({ sql, bind });
    return super.run(sql, ...bind);
  }
}

const NOW_MS = Date.UTC(2026, 0, 1);
const EXTENT = { startMs: NOW_MS, endMs: NOW_MS + 10_000 };
const RUN = newRunId(NOW_MS, seededRandom(1));
const FRONT = parseLensName('front');
const SHA256 = 'ab'.repeat(32);

const tablesOf = (statements: Statements) => ({
  vehicles: new VehicleWriter(statements),
  claims: new ClaimWriter(statements),
  lenses: new LensWriter(statements),
  objects: new ObjectWriter(statements),
  pieces: new PieceWriter(statements),
  coverage: new CoverageWriter(statements),
  requests: new RequestWriter(statements),
  transfers: new TransferWriter(statements),
  quarantine: new QuarantineWriter(statements),
  removals: new RemovalWriter(statements),
  tokens: new TokenWriter(statements),
});
type Tables = ReturnType<typeof tablesOf>;

/** Every method once, in an order in which each finds what it works on: object 1 of run 1 of lens 1 of vehicle 1. */
const CALLS: Record<string, (tables: Tables) => unknown> = {
  'vehicles.enrol': ({ vehicles }) => {
    const key = new Uint8Array([1]);
    vehicles.enrol({ name: parseVehicleId('bus-042'), linkKey: key, sftpKey: key, evidenceKey: key }, NOW_MS);
  },
  'vehicles.all': ({ vehicles }) => vehicles.all(),
  'vehicles.byName': ({ vehicles }) => vehicles.byName('bus-042'),
  'vehicles.byId': ({ vehicles }) => vehicles.byId(1),
  'vehicles.setState': ({ vehicles }) => vehicles.setState(1, 'enrolled'),
  'vehicles.greet': ({ vehicles }) =>
    vehicles.greet(1, { counter: 1, bootId: 'b', agentVersion: '1', nowMs: NOW_MS }),
  'vehicles.beginCatalogue': ({ vehicles }) => vehicles.beginCatalogue(1, 'e'),
  'vehicles.advanceCatalogue': ({ vehicles }) => vehicles.advanceCatalogue(1, 1),
  'vehicles.seen': ({ vehicles }) => vehicles.seen(1, NOW_MS, { usedBytes: 1, freeBytes: 1 }),
  'claims.add': ({ claims }) =>
    claims.add(
      { id: 'c', vehicle: parseVehicleId('bus-042'), secret: new Uint8Array(16), expiresMs: NOW_MS },
      NOW_MS,
    ),
  'claims.voidUnused': ({ claims }) => claims.voidUnused(parseVehicleId('bus-007')),
  'claims.byId': ({ claims }) => claims.byId('c'),
  'claims.use': ({ claims }) => claims.use('c', NOW_MS),
  'lenses.ensure': ({ lenses }) => lenses.ensure(1, FRONT, 'push'),
  'lenses.all': ({ lenses }) => lenses.all(),
  'lenses.ofVehicle': ({ lenses }) => lenses.ofVehicle(1),
  'lenses.byName': ({ lenses }) => lenses.byName(1, FRONT),
  'lenses.byId': ({ lenses }) => lenses.byId(1),
  'lenses.byPath': ({ lenses }) => lenses.byPath(parseVehicleId('bus-042'), FRONT),
  'lenses.storedBytes': ({ lenses }) => lenses.storedBytes(),
  'lenses.ensureRun': ({ lenses }) => lenses.ensureRun(1, RUN),
  'lenses.run': ({ lenses }) => lenses.run(1, RUN),
  'lenses.setRun': ({ lenses }) => lenses.setRun(1, { lens: FRONT, run: RUN, startMs: NOW_MS, codecs: [] }),
  'lenses.setStatus': ({ lenses }) =>
    lenses.setStatus(1, { state: 'recording', detail: undefined, open: EXTENT, asOfMs: NOW_MS }),
  'lenses.expectFrom': ({ lenses }) => lenses.expectFrom(1, NOW_MS),
  'objects.ensure': ({ objects }) => objects.ensure({ lensId: 1, runId: 1, seq: 0, ...EXTENT }),
  'objects.grow': ({ objects }) => objects.grow(1, EXTENT),
  'objects.expect': ({ objects }) => objects.expect(1, { sizeBytes: 10, sha256: SHA256, ...EXTENT }),
  'objects.byId': ({ objects }) => objects.byId(1),
  'objects.byRef': ({ objects }) => objects.byRef(1, RUN, 0),
  'objects.receivingNear': ({ objects }) => objects.receivingNear(1, EXTENT),
  'objects.receiving': ({ objects }) => objects.receiving(1),
  'objects.abandoned': ({ objects }) => objects.abandoned(EXTENT, 10),
  'objects.unprovable': ({ objects }) => objects.unprovable(1, EXTENT, 3),
  'objects.countFailure': ({ objects }) => objects.countFailure(1),
  'objects.forgive': ({ objects }) => objects.forgive(1, EXTENT),
  'requests.add': ({ requests }) =>
    requests.add({
      id: 'req_1',
      lensId: 1,
      mode: 'online',
      state: 'waiting',
      ranges: RangeSet.of(EXTENT),
      priority: 0,
      createdMs: NOW_MS,
      createdBy: 'nobody',
      idempotency: { key: 'k', fingerprint: 'f' },
    }),
  'requests.byId': ({ requests }) => requests.byId('req_1'),
  'requests.byIdempotencyKey': ({ requests }) => requests.byIdempotencyKey('k'),
  'requests.newest': ({ requests }) => requests.newest(undefined, 10),
  'requests.expired': ({ requests }) => requests.expired(NOW_MS),
  'requests.active': ({ requests }) => requests.active(1),
  'requests.activeRanges': ({ requests }) => requests.activeRanges(1),
  'requests.openOnline': ({ requests }) => requests.openOnline(1),
  'requests.setRanges': ({ requests }) => requests.setRanges('req_1', RangeSet.of(EXTENT)),
  'requests.setState': ({ requests }) => requests.setState('req_1', 'transferring', undefined),
  'requests.countFruitless': ({ requests }) => requests.countFruitless('req_1'),
  'requests.countFruitful': ({ requests }) => requests.countFruitful('req_1'),
  'requests.setOffline': ({ requests }) => requests.setOffline(1, true),
  'requests.countSent': ({ requests }) => requests.countSent('req_1', 1),
  'transfers.add': ({ transfers }) =>
    transfers.add({ id: 'xfer_1', requestId: 'req_1', objectId: 1, bytes: [{ from: 0, to: 10 }] }),
  'transfers.byId': ({ transfers }) => transfers.byId('xfer_1'),
  'transfers.ofObject': ({ transfers }) => transfers.ofObject(1),
  'transfers.ofRequest': ({ transfers }) => transfers.ofRequest('req_1'),
  'transfers.next': ({ transfers }) => transfers.next(1, NOW_MS, 3),
  'transfers.extentsUnderWay': ({ transfers }) => transfers.extentsUnderWay(1, EXTENT),
  'transfers.isAnyQueued': ({ transfers }) => transfers.isAnyQueued(1, EXTENT),
  'transfers.earliestRetryMs': ({ transfers }) => transfers.earliestRetryMs(1, NOW_MS),
  'transfers.lease': ({ transfers }) => transfers.lease('xfer_1'),
  'transfers.setBytes': ({ transfers }) => transfers.setBytes('xfer_1', [{ from: 0, to: 10 }]),
  'transfers.setManifest': ({ transfers }) =>
    transfers.setManifest('xfer_1', { v: 1, sizeBytes: 10, sha256: SHA256, blockBytes: 262_144, blocks: [] }),
  'transfers.setAcked': ({ transfers }) => transfers.setAcked('xfer_1', 5),
  'transfers.beginProof': ({ transfers }) => transfers.beginProof('xfer_1'),
  'transfers.backOff': ({ transfers }) =>
    transfers.backOff('xfer_1', { notBeforeMs: NOW_MS, lastError: 'no' }),
  'transfers.requeue': ({ transfers }) => transfers.requeue(1),
  'transfers.remove': ({ transfers }) => transfers.remove('xfer_1'),
  'requests.finish': ({ requests }) =>
    requests.finish('req_1', { state: 'done', reason: undefined, finishedMs: NOW_MS }),
  'pieces.add': ({ pieces }) => pieces.add(1, { source: 'live', from: 0, to: 10 }),
  'pieces.of': ({ pieces }) => pieces.of(1),
  'pieces.clear': ({ pieces }) => pieces.clear(1),
  'objects.verify': ({ objects }) =>
    objects.verify(objects.byId(1)!, {
      ...EXTENT,
      sizeBytes: 10,
      path: 'a',
      firstFragment: 1,
      fragmentCount: 1,
      fragments: new Uint8Array(1),
      fetchedBytes: 0,
      holes: RangeSet.empty,
      verifiedMs: NOW_MS,
    }),
  'objects.verified': ({ objects }) => objects.verified(1, EXTENT),
  'objects.measured': ({ objects }) => objects.measured(1, EXTENT),
  'objects.after': ({ objects }) => objects.after(0, 10),
  'objects.verifiedAfter': ({ objects }) => objects.verifiedAfter(1, undefined, 10),
  'objects.oldest': ({ objects }) => objects.oldest(undefined, 10),
  'objects.dueReceipt': ({ objects }) => objects.dueReceipt({ id: 1, lensId: 1 }),
  'objects.receipts': ({ objects }) => objects.receipts(1, 0, 10),
  'objects.acknowledgeReceipts': ({ objects }) => objects.acknowledgeReceipts(1, 1),
  'objects.remove': ({ objects }) => objects.remove(objects.byId(1)!),
  'coverage.add': ({ coverage }) => coverage.add(1, 'held', [EXTENT]),
  'coverage.within': ({ coverage }) => coverage.within(1, 'held', EXTENT),
  'coverage.hull': ({ coverage }) => coverage.hull(1, 'held'),
  'coverage.remove': ({ coverage }) => coverage.remove(1, 'held', [EXTENT]),
  'coverage.clear': ({ coverage }) => coverage.clear(1, 'held'),
  'quarantine.add': ({ quarantine }) =>
    quarantine.add({
      lensId: 1,
      segment: segmentId({ lens: FRONT, run: RUN, seq: 0 }),
      atMs: NOW_MS,
      reason: 'VERIFY_UNREADABLE',
      path: 'q',
    }),
  'quarantine.newest': ({ quarantine }) => quarantine.newest(10),
  'quarantine.count': ({ quarantine }) => quarantine.count(),
  'removals.add': ({ removals }) => removals.add('f'),
  'removals.next': ({ removals }) => removals.next(10),
  'removals.has': ({ removals }) => removals.has('f'),
  'removals.done': ({ removals }) => removals.done('f'),
  'tokens.isEmpty': ({ tokens }) => tokens.isEmpty,
  'tokens.add': ({ tokens }) =>
    tokens.add({ id: 't', name: 'n', role: 'viewer', createdMs: NOW_MS, sha256: new Uint8Array(32) }),
  'tokens.byHash': ({ tokens }) => tokens.byHash(new Uint8Array(32)),
};

describe('the statements of the store', () => {
  const database = new BetterSqlite3(':memory:');
  const statements = new RecordingStatements(database);
  const tables = tablesOf(statements);
  beforeAll(() => {
    database.exec(storeSchema.latest);
    database.pragma('foreign_keys = ON');
  });
  afterAll(() => database.close());

  it('are all here', () => {
    const methods = Object.entries(tables).flatMap(([name, table]) =>
      membersOf(table).map((m) => `${name}.${m}`),
    );
    expect(Object.keys(CALLS).sort()).toEqual(methods.sort());
  });

  it.each(Object.keys(CALLS))('%s reads by an index', (name) => {
    statements.ran.length = 0;
    CALLS[name]!(tables);
    expect(statements.ran.length).toBeGreaterThan(0);
    for (const { sql, bind } of statements.ran) {
      const plan = planOf(database, sql, bind);
      const scans = plan.filter((step) => GROWING.some((table) => step.startsWith(`SCAN ${table}`)));
      if (FROM_ONE_END[name] === undefined) expect(scans, sql).toEqual([]);
      // All that a lens has ever had is as bad.
      expect(
        plan.filter((step) => step.endsWith('object_time (lens_id=?)')),
        sql,
      ).toEqual([]);
      // A page that is sorted costs what it is chosen from.
      if (/\bLIMIT\b/.test(sql) && !SORTED_FEW.has(name))
        expect(
          plan.filter((step) => step.includes('TEMP B-TREE')),
          sql,
        ).toEqual([]);
    }
  });
});

/** The members that a table and the classes that it extends define. */
function membersOf(table: object): string[] {
  const names = new Set<string>();
  const parent = (one: object): object => Object.getPrototypeOf(one) as object;
  for (let level = parent(table); level !== Object.prototype; level = parent(level))
    for (const name of Object.getOwnPropertyNames(level)) names.add(name);
  return [...names].filter((name) => name !== 'constructor' && name !== 'touching');
}

function planOf(database: BetterSqlite3.Database, sql: string, bind: unknown[]): string[] {
  const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...bind) as { detail: string }[];
  return steps.map(({ detail }) => detail);
}
