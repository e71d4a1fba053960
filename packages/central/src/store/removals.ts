import type { Statements } from '@gapless/shared/sqlite';

/** Files that retention has given up and that may still be on the disk, as paths below the data directory. */
export class RemovalReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  next(limit: number): string[] {
    return this.statements
      .all<{ path: string }>('SELECT path FROM removal ORDER BY path LIMIT ?', limit)
      .map(({ path }) => path);
  }

  has(path: string): boolean {
    return this.statements.get('SELECT 1 FROM removal WHERE path = ?', path) !== undefined;
  }
}

export class RemovalWriter extends RemovalReader {
  add(path: string): void {
    this.statements.run('INSERT INTO removal (path) VALUES (?) ON CONFLICT DO NOTHING', path);
  }

  /** The file is gone. */
  done(path: string): void {
    this.statements.run('DELETE FROM removal WHERE path = ?', path);
  }
}
