import type { Database } from '@gapless/shared/sqlite';
import { Statements } from '@gapless/shared/sqlite';

/** How the rows of one kind differ between two indexes, apart from the order in which they changed. */
export interface Difference {
  readonly kind: 'run' | 'segment' | 'tombstone' | 'absence' | 'protection';
  /** Rows that the former index has and the new one has not. */
  readonly missing: number;
  readonly added: number;
  /** Rows that both have and that say something else. */
  readonly changed: number;
  /** The first of them. */
  readonly examples: readonly string[];
}

const MAX_EXAMPLES = 10;

/** What identifies a row of each kind, and what it says; ids and change sequences are each index's own. */
const KINDS = {
  run: {
    key: ['lens', 'name'],
    select: `l.name AS lens, x.name, x.boot_id, x.monotonic_ms, x.clock_trusted, x.start_ms, x.end_ms, x.end_reason,
      x.codecs, x.width, x.height`,
    join: '',
  },
  segment: {
    key: ['lens', 'run', 'seq'],
    select: `l.name AS lens, r.name AS run, x.seq, x.start_ms, x.end_ms, x.file_start_ms, x.size_bytes, x.sha256,
      x.first_fragment, x.fragment_count, x.fragments, x.holes, x.receipted`,
    join: 'JOIN {in}run r ON r.id = x.run_id',
  },
  tombstone: {
    key: ['lens', 'run', 'seq'],
    select: `l.name AS lens, r.name AS run, x.seq, x.start_ms, x.end_ms, x.file_start_ms, x.size_bytes, x.sha256,
      x.deleted_ms, x.reason`,
    join: 'JOIN {in}run r ON r.id = x.run_id',
  },
  absence: {
    key: ['lens', 'start_ms'],
    select: 'l.name AS lens, x.start_ms, x.end_ms, x.reason, x.detail',
    join: '',
  },
  protection: {
    key: ['lens', 'holder', 'start_ms'],
    select: 'l.name AS lens, x.holder, x.start_ms, x.end_ms, x.reason, x.made_ms, x.expires_ms',
    join: '',
  },
} as const;

/**
 * Compares an index with the one at `formerPath`. Both must have the same schema.
 *
 * @returns the kinds of which rows differ; none for indexes that say the same
 */
export function compareIndexes(database: Database, formerPath: string): Difference[] {
  database.prepare('ATTACH ? AS former').run(formerPath);
  try {
    const statements = new Statements(database);
    return (Object.keys(KINDS) as (keyof typeof KINDS)[])
      .map((kind) => differenceOf(statements, kind))
      .filter(({ missing, added, changed }) => missing + added + changed > 0);
  } finally {
    database.exec('DETACH former');
  }
}

function differenceOf(statements: Statements, kind: keyof typeof KINDS): Difference {
  const { key, select, join } = KINDS[kind];
  const rows = (schema: string): string =>
    `SELECT ${select} FROM ${schema}${kind} x JOIN ${schema}lens l ON l.id = x.lens_id ${join.replace('{in}', schema)}`;
  const keys = key.join(', ');
  const only = (here: string, there: string): string =>
    `SELECT ${keys} FROM (SELECT * FROM (${rows(here)}) EXCEPT SELECT * FROM (${rows(there)}))`;
  const former = only('former.', 'main.');
  const made = only('main.', 'former.');
  const count = (sql: string): number =>
    statements.get<{ count: number }>(`SELECT count(*) AS count FROM (${sql})`)!.count;
  const changed = count(`${former} INTERSECT ${made}`);
  const examples = statements.all<Record<string, string | number>>(
    `${former} UNION ${made} LIMIT ${MAX_EXAMPLES}`,
  );
  return {
    kind,
    missing: count(former) - changed,
    added: count(made) - changed,
    changed,
    examples: examples.map((row) => key.map((part) => row[part]).join('/')),
  };
}
