import type { Database } from '@gapless/shared/sqlite';

/** Everything that a database's schema says, in a form in which two can be compared whatever way they came to be. */
export function schemaShape(database: Database): Record<string, unknown> {
  const tables = database
    .prepare(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .all() as { name: string; sql: string }[];
  const others = database
    .prepare(
      "SELECT type, name, sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL ORDER BY name",
    )
    .all() as { type: string; name: string; sql: string }[];
  return {
    version: database.pragma('user_version', { simple: true }),
    tables: Object.fromEntries(
      tables.map(({ name, sql }) => [
        name,
        {
          sql: normal(sql),
          columns: database.pragma(`table_xinfo(${name})`),
          foreignKeys: database.pragma(`foreign_key_list(${name})`),
        },
      ]),
    ),
    others: Object.fromEntries(others.map(({ type, name, sql }) => [`${type} ${name}`, normal(sql)])),
  };
}

/** Without comments and with one space where there are any. */
function normal(sql: string): string {
  return sql
    .replace(/--[^\n]*/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/ ?([(),]) ?/g, '$1')
    .replace(/"/g, '')
    .trim();
}
