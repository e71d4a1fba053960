import type { LensName } from '@gapless/shared/ids';
import { parseLensName } from '@gapless/shared/ids';
import type { Database } from '@gapless/shared/sqlite';
import { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';
import { AdoptionQueries } from './adoption-queries.js';
import { AbsenceQueries } from './absence-queries.js';
import { DayQueries } from './day-queries.js';
import { EvictionQueries } from './eviction-queries.js';
import { ListingQueries } from './listing-queries.js';
import { ForecastQueries } from './forecast-queries.js';
import { ProtectionQueries } from './protection-queries.js';
import { RunQueries } from './run-queries.js';
import { SegmentQueries } from './segment-queries.js';
import { TombstoneQueries } from './tombstone-queries.js';

/** Every question that is asked of the index. Each is one index scan that costs what it returns. */
export class IndexReader {
  readonly runs: RunQueries;
  readonly segments: SegmentQueries;
  readonly tombstones: TombstoneQueries;
  readonly absences: AbsenceQueries;
  readonly eviction: EvictionQueries;
  readonly days: DayQueries;
  readonly protections: ProtectionQueries;
  readonly forecast: ForecastQueries;
  readonly listing: ListingQueries;
  readonly adoption: AdoptionQueries;
  readonly #statements: Statements;

  constructor(database: Database) {
    this.#statements = new Statements(database);
    this.runs = new RunQueries(this.#statements);
    this.segments = new SegmentQueries(this.#statements);
    this.tombstones = new TombstoneQueries(this.#statements);
    this.absences = new AbsenceQueries(this.#statements);
    this.eviction = new EvictionQueries(this.#statements);
    this.days = new DayQueries(this.#statements);
    this.forecast = new ForecastQueries(this.#statements);
    this.protections = new ProtectionQueries(this.#statements);
    this.listing = new ListingQueries(this.#statements);
    this.adoption = new AdoptionQueries(this.#statements);
  }

  /** Identifies this index; change sequences count within it. */
  get catalogueEpoch(): string {
    return this.#meta('catalogue_epoch')!;
  }

  /** The change sequence of the newest change; 0 in an empty index. */
  get changeSeq(): number {
    return Number(this.#meta('change_seq'));
  }

  lenses(): LensName[] {
    return this.#statements
      .all<{ name: string }>('SELECT name FROM lens ORDER BY name')
      .map((row) => parseLensName(row.name));
  }

  /** When the agent last stopped in an orderly way; undefined while it runs and after a crash. */
  get stoppedMs(): EpochMs | undefined {
    const value = this.#meta('stopped_ms');
    return value === undefined ? undefined : Number(value);
  }

  /** Whether an agent keeps this index in memory and commits it in snapshots: what is new may not stand in it yet. */
  get isSnapshot(): boolean {
    return this.#meta('snapshot_seq') !== undefined;
  }

  /** The change sequence up to which the journal is known to be complete and on the disk. */
  get journalSeq(): number {
    return Number(this.#meta('journal_seq') ?? 0);
  }

  #meta(key: string): string | undefined {
    return this.#statements.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)?.value;
  }
}
