import type { VehicleId } from '@gapless/shared/ids';
import { parseVehicleId } from '@gapless/shared/ids';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';

export type VehicleState = 'enrolled' | 'revoked' | 'conflict';

export interface Vehicle {
  readonly id: number;
  readonly name: VehicleId;
  readonly state: VehicleState;
  readonly enrolledMs: EpochMs;
  /** Ed25519 public key, SPKI DER. */
  readonly linkKey: Uint8Array;
  /** Ed25519 public key, SSH wire form. */
  readonly sftpKey: Uint8Array;
  /** Ed25519 public key, SPKI DER. */
  readonly evidenceKey: Uint8Array;
  readonly helloCounter: number;
  readonly bootId: string | undefined;
  readonly catalogueEpoch: string | undefined;
  readonly catalogueSeq: number;
  readonly lastSeenMs: EpochMs | undefined;
  readonly agentVersion: string | undefined;
  readonly usedBytes: number | undefined;
  readonly freeBytes: number | undefined;
}

interface Columns {
  id: number;
  name: string;
  state: VehicleState;
  enrolled_ms: number;
  link_key: Uint8Array;
  sftp_key: Uint8Array;
  evidence_key: Uint8Array;
  hello_counter: number;
  boot_id: string | null;
  catalogue_epoch: string | null;
  catalogue_seq: number;
  last_seen_ms: number | null;
  agent_version: string | null;
  used_bytes: number | null;
  free_bytes: number | null;
}

export class VehicleReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  all(): Vehicle[] {
    return this.statements.all<Columns>('SELECT * FROM vehicle ORDER BY name').map(vehicle);
  }

  byName(name: string): Vehicle | undefined {
    const row = this.statements.get<Columns>('SELECT * FROM vehicle WHERE name = ?', name);
    return row && vehicle(row);
  }

  byId(id: number): Vehicle | undefined {
    const row = this.statements.get<Columns>('SELECT * FROM vehicle WHERE id = ?', id);
    return row && vehicle(row);
  }
}

export interface Enrolment {
  readonly name: VehicleId;
  readonly linkKey: Uint8Array;
  readonly sftpKey: Uint8Array;
  readonly evidenceKey: Uint8Array;
}

export class VehicleWriter extends VehicleReader {
  /** Enrols a vehicle, or replaces the box that was enrolled under its name before. */
  enrol(enrolment: Enrolment, nowMs: EpochMs): void {
    this.statements.run(
      `INSERT INTO vehicle (name, state, enrolled_ms, link_key, sftp_key, evidence_key)
       VALUES (?, 'enrolled', ?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET state = 'enrolled', enrolled_ms = excluded.enrolled_ms, link_key = excluded.link_key,
         sftp_key = excluded.sftp_key, evidence_key = excluded.evidence_key, hello_counter = 0, boot_id = NULL`,
      enrolment.name,
      nowMs,
      enrolment.linkKey,
      enrolment.sftpKey,
      enrolment.evidenceKey,
    );
  }

  setState(id: number, state: VehicleState): void {
    this.statements.run('UPDATE vehicle SET state = ? WHERE id = ?', state, id);
  }

  /** Notes an accepted hello, so that no older one is accepted after it. */
  greet(id: number, hello: { counter: number; bootId: string; agentVersion: string; nowMs: EpochMs }): void {
    this.statements.run(
      'UPDATE vehicle SET hello_counter = ?, boot_id = ?, agent_version = ?, last_seen_ms = ? WHERE id = ?',
      hello.counter,
      hello.bootId,
      hello.agentVersion,
      hello.nowMs,
      id,
    );
  }

  /** The vehicle's index is another one: nothing of it is known yet. */
  beginCatalogue(id: number, epoch: string): void {
    this.statements.run('UPDATE vehicle SET catalogue_epoch = ?, catalogue_seq = 0 WHERE id = ?', epoch, id);
  }

  /** The catalogue is applied up to `seq`. */
  advanceCatalogue(id: number, seq: number): void {
    this.statements.run('UPDATE vehicle SET catalogue_seq = max(catalogue_seq, ?) WHERE id = ?', seq, id);
  }

  seen(id: number, nowMs: EpochMs, storage: { usedBytes: number; freeBytes: number }): void {
    this.statements.run(
      'UPDATE vehicle SET last_seen_ms = ?, used_bytes = ?, free_bytes = ? WHERE id = ?',
      nowMs,
      storage.usedBytes,
      storage.freeBytes,
      id,
    );
  }
}

function vehicle(row: Columns): Vehicle {
  return {
    id: row.id,
    name: parseVehicleId(row.name),
    state: row.state,
    enrolledMs: row.enrolled_ms,
    linkKey: row.link_key,
    sftpKey: row.sftp_key,
    evidenceKey: row.evidence_key,
    helloCounter: row.hello_counter,
    bootId: row.boot_id ?? undefined,
    catalogueEpoch: row.catalogue_epoch ?? undefined,
    catalogueSeq: row.catalogue_seq,
    lastSeenMs: row.last_seen_ms ?? undefined,
    agentVersion: row.agent_version ?? undefined,
    usedBytes: row.used_bytes ?? undefined,
    freeBytes: row.free_bytes ?? undefined,
  };
}
