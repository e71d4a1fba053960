import type { ByteRange } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';

export type PieceSource = 'live' | 'fetched';

export interface Piece extends ByteRange {
  readonly source: PieceSource;
}

interface Columns {
  source: PieceSource;
  from_byte: number;
  to_byte: number;
}

/** Which bytes of an object have arrived, until it is verified. */
export class PieceReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  /** In order of position, disjoint. */
  of(objectId: number): Piece[] {
    return this.statements
      .all<Columns>(
        'SELECT source, from_byte, to_byte FROM piece WHERE object_id = ? ORDER BY from_byte',
        objectId,
      )
      .map((row) => ({ source: row.source, from: row.from_byte, to: row.to_byte }));
  }
}

export class PieceWriter extends PieceReader {
  /** Notes bytes that arrived. Neighbours of one source become one row; bytes known already stay as they are. */
  add(objectId: number, piece: Piece): void {
    const touching = this.statements.all<Columns>(
      'SELECT source, from_byte, to_byte FROM piece WHERE object_id = ? AND from_byte <= ? AND to_byte >= ? ORDER BY from_byte',
      objectId,
      piece.to,
      piece.from,
    );
    let { from, to } = piece;
    for (const row of touching) {
      const overlaps = row.from_byte < to && from < row.to_byte;
      if (row.source !== piece.source && !overlaps) continue;
      if (row.source === piece.source) {
        from = Math.min(from, row.from_byte);
        to = Math.max(to, row.to_byte);
        this.statements.run(
          'DELETE FROM piece WHERE object_id = ? AND from_byte = ?',
          objectId,
          row.from_byte,
        );
      } else if (row.from_byte <= from) {
        from = Math.min(to, row.to_byte);
      } else {
        // Known from the other source in the middle of the new bytes: what lies before it is new.
        if (from < row.from_byte) this.#insert(objectId, { source: piece.source, from, to: row.from_byte });
        from = Math.min(to, row.to_byte);
      }
    }
    if (from < to) this.#insert(objectId, { source: piece.source, from, to });
  }

  clear(objectId: number): void {
    this.statements.run('DELETE FROM piece WHERE object_id = ?', objectId);
  }

  #insert(objectId: number, piece: Piece): void {
    this.statements.run(
      'INSERT INTO piece VALUES (?, ?, ?, ?)',
      objectId,
      piece.source,
      piece.from,
      piece.to,
    );
  }
}

/** The bytes of `[0, sizeBytes)` that are in none of the pieces. */
export function missingBytes(pieces: readonly ByteRange[], sizeBytes: number): ByteRange[] {
  const missing: ByteRange[] = [];
  let at = 0;
  for (const { from, to } of pieces) {
    if (from > at) missing.push({ from: at, to: Math.min(from, sizeBytes) });
    at = Math.max(at, to);
    if (at >= sizeBytes) break;
  }
  if (at < sizeBytes) missing.push({ from: at, to: sizeBytes });
  return missing;
}
