import { join } from 'node:path';
import type { Database } from '@gapless/shared/sqlite';
import { GroupCommit, openAlone, openDatabase, openForReading, Statements } from '@gapless/shared/sqlite';
import type { Clock } from '@gapless/shared/time';
import { ClaimReader, ClaimWriter } from './claims.js';
import { CoverageReader, CoverageWriter } from './coverage.js';
import { LensReader, LensWriter } from './lenses.js';
import { ObjectReader, ObjectWriter } from './objects.js';
import { PieceReader, PieceWriter } from './pieces.js';
import { QuarantineReader, QuarantineWriter } from './quarantine.js';
import { RemovalReader, RemovalWriter } from './removals.js';
import { RequestReader, RequestWriter } from './requests.js';
import { storeSchema } from './schema.js';
import { TokenReader, TokenWriter } from './tokens.js';
import { TransferReader, TransferWriter } from './transfers.js';
import { UpkeepReader, UpkeepWriter } from './upkeep.js';
import { VehicleReader, VehicleWriter } from './vehicles.js';

/** Every table for reading. */
export interface StoreReader {
  readonly vehicles: VehicleReader;
  readonly claims: ClaimReader;
  readonly lenses: LensReader;
  readonly objects: ObjectReader;
  readonly pieces: PieceReader;
  readonly coverage: CoverageReader;
  readonly requests: RequestReader;
  readonly transfers: TransferReader;
  readonly quarantine: QuarantineReader;
  readonly removals: RemovalReader;
  readonly tokens: TokenReader;
  readonly upkeep: UpkeepReader;
}

/** Every table for writing; exists only inside a transaction. */
export interface StoreWriter extends StoreReader {
  readonly vehicles: VehicleWriter;
  readonly claims: ClaimWriter;
  readonly lenses: LensWriter;
  readonly objects: ObjectWriter;
  readonly pieces: PieceWriter;
  readonly coverage: CoverageWriter;
  readonly requests: RequestWriter;
  readonly transfers: TransferWriter;
  readonly quarantine: QuarantineWriter;
  readonly removals: RemovalWriter;
  readonly tokens: TokenWriter;
  readonly upkeep: UpkeepWriter;
}

/** Central's catalogue: reads at once, writes in transactions shared by everybody who writes in the same turn. */
export class Store implements Disposable {
  readonly read: StoreReader;
  readonly #database: Database;
  readonly #commits: GroupCommit;
  readonly #writer: StoreWriter;

  private constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#commits = new GroupCommit(database, clock);
    const statements = new Statements(database);
    this.#writer = {
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
      upkeep: new UpkeepWriter(statements),
    };
    this.read = this.#writer;
  }

  /** Opens the catalogue; throws DATABASE_* and STORAGE_UNWRITABLE. */
  static open(dataDir: string, clock: Clock): Store {
    return new Store(openDatabase(catalogueOf(dataDir), storeSchema), clock);
  }

  /** As {@link open}, while nobody else has it open, nor may open it; throws DATABASE_IN_USE as well. */
  static openAlone(dataDir: string, clock: Clock): Store {
    return new Store(openAlone(catalogueOf(dataDir), storeSchema), clock);
  }

  /** Runs `write` in the next transaction; resolves once it is durable. */
  write<T>(write: (tables: StoreWriter) => T): Promise<T> {
    return this.#commits.write(() => write(this.#writer));
  }

  /** As {@link write}, for what may be lost in a crash because the vehicle can tell or send it again. */
  writeLazily<T>(write: (tables: StoreWriter) => T): Promise<T> {
    return this.#commits.writeLazily(() => write(this.#writer));
  }

  /** Commits what is waiting, so that a read that follows sees it. */
  flush(): void {
    this.#commits.flush();
  }

  /** What SQLite itself finds wrong with the file, one sentence each. */
  damage(): string[] {
    return damageOf(this.#database);
  }

  [Symbol.dispose](): void {
    this.#commits[Symbol.dispose]();
    this.#database.close();
  }
}

/** The catalogue for reading alone, beside a central that may be running. */
export class StoreView implements Disposable {
  readonly #database: Database;
  readonly #reader: StoreReader;

  /** @throws DATABASE_MISSING, DATABASE_TOO_NEW, DATABASE_TOO_OLD, DATABASE_CORRUPT, STORAGE_UNWRITABLE */
  constructor(dataDir: string) {
    this.#database = openForReading(catalogueOf(dataDir), storeSchema);
    this.#reader = readersOf(new Statements(this.#database));
  }

  /** Runs `read` on one state of the catalogue, whatever is written meanwhile. */
  snapshot<T>(read: (tables: StoreReader) => T): T {
    return this.#database.transaction(() => read(this.#reader))();
  }

  /** What SQLite itself finds wrong with the file, one sentence each. */
  damage(): string[] {
    return damageOf(this.#database);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function catalogueOf(dataDir: string): string {
  return join(dataDir, 'central.sqlite');
}

function readersOf(statements: Statements): StoreReader {
  return {
    vehicles: new VehicleReader(statements),
    claims: new ClaimReader(statements),
    lenses: new LensReader(statements),
    objects: new ObjectReader(statements),
    pieces: new PieceReader(statements),
    coverage: new CoverageReader(statements),
    requests: new RequestReader(statements),
    transfers: new TransferReader(statements),
    quarantine: new QuarantineReader(statements),
    removals: new RemovalReader(statements),
    tokens: new TokenReader(statements),
    upkeep: new UpkeepReader(statements),
  };
}

function damageOf(database: Database): string[] {
  const integrity = database.pragma('integrity_check') as { integrity_check: string }[];
  const strangers = database.pragma('foreign_key_check') as { table: string; parent: string }[];
  return [
    ...integrity.map((row) => row.integrity_check).filter((row) => row !== 'ok'),
    ...strangers.map(
      ({ table, parent }) => `a row of ${table} refers to a row of ${parent} that is not there`,
    ),
  ];
}
