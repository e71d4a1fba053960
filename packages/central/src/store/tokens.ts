import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';

export const roles = ['administrator', 'operator', 'viewer'] as const;
export type Role = (typeof roles)[number];

/** A bearer token for programs; central keeps its hash only. */
export interface Token {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdMs: EpochMs;
}

interface Columns {
  id: string;
  name: string;
  role: Role;
  created_ms: number;
}

export class TokenReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  /** The token with this SHA-256, unless it was revoked. */
  byHash(sha256: Uint8Array): Token | undefined {
    const row = this.statements.get<Columns>(
      'SELECT id, name, role, created_ms FROM token WHERE sha256 = ? AND revoked_ms IS NULL',
      sha256,
    );
    return row && { id: row.id, name: row.name, role: row.role, createdMs: row.created_ms };
  }

  get isEmpty(): boolean {
    return this.statements.get('SELECT 1 FROM token LIMIT 1') === undefined;
  }
}

export class TokenWriter extends TokenReader {
  add(token: Token & { sha256: Uint8Array }): void {
    this.statements.run(
      'INSERT INTO token (id, name, role, sha256, created_ms) VALUES (?, ?, ?, ?, ?)',
      token.id,
      token.name,
      token.role,
      token.sha256,
      token.createdMs,
    );
  }
}
