import type { VehicleId } from '@gapless/shared/ids';
import { parseVehicleId } from '@gapless/shared/ids';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';

/** A one-time permission to enrol a vehicle. */
export interface Claim {
  /** Hex. */
  readonly id: string;
  readonly vehicle: VehicleId;
  readonly secret: Uint8Array;
  readonly expiresMs: EpochMs;
  readonly usedMs: EpochMs | undefined;
}

interface Columns {
  id: string;
  vehicle: string;
  secret: Uint8Array;
  expires_ms: number;
  used_ms: number | null;
}

export class ClaimReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  byId(id: string): Claim | undefined {
    const row = this.statements.get<Columns>(
      'SELECT id, vehicle, secret, expires_ms, used_ms FROM claim WHERE id = ?',
      id,
    );
    if (!row) return undefined;
    return {
      id: row.id,
      vehicle: parseVehicleId(row.vehicle),
      secret: row.secret,
      expiresMs: row.expires_ms,
      usedMs: row.used_ms ?? undefined,
    };
  }
}

export class ClaimWriter extends ClaimReader {
  /** Adds a claim; those of the same vehicle that nobody used are void from here on. */
  add(claim: Omit<Claim, 'usedMs'>, nowMs: EpochMs): void {
    this.voidUnused(claim.vehicle);
    this.statements.run(
      'INSERT INTO claim (id, vehicle, secret, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?)',
      claim.id,
      claim.vehicle,
      claim.secret,
      nowMs,
      claim.expiresMs,
    );
  }

  /** Takes back what was made for a vehicle and not used. */
  voidUnused(vehicle: VehicleId): void {
    this.statements.run('DELETE FROM claim WHERE vehicle = ? AND used_ms IS NULL', vehicle);
  }

  /** Marks a claim as used; false if it was used already. */
  use(id: string, nowMs: EpochMs): boolean {
    return (
      this.statements.run('UPDATE claim SET used_ms = ? WHERE id = ? AND used_ms IS NULL', nowMs, id) === 1
    );
  }
}
