import type { LensName, LensPath, RunId, VehicleId } from '@gapless/shared/ids';
import { lensPath, parseLensName, parseVehicleId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import type { RunRow } from '@gapless/shared/protocol';
import type { Statements } from '@gapless/shared/sqlite';
import type { EpochMs } from '@gapless/shared/time';

export type LensState = 'recording' | 'no-signal' | 'stopped';

export interface Lens {
  readonly id: number;
  readonly vehicleId: number;
  readonly vehicle: VehicleId;
  readonly name: LensName;
  readonly path: LensPath;
  readonly live: 'push' | 'off';
  readonly state: LensState;
  /** Why there is no signal. */
  readonly detail: string | undefined;
  /** Footage is expected from here on; undefined until the first run. */
  readonly expectedMs: EpochMs | undefined;
  /** The vehicle's last word on this lens reaches up to here. */
  readonly asOfMs: EpochMs | undefined;
  /** Extent of the segment that the vehicle was writing then. */
  readonly open: Range | undefined;
  /** When the vehicle expects to lose footage that is not here; undefined when it does not. */
  readonly overwriteMs: EpochMs | undefined;
  /** Size of all its verified objects. */
  readonly storedBytes: number;
}

export interface Run {
  readonly id: number;
  readonly name: RunId;
  readonly startMs: EpochMs | undefined;
  readonly endMs: EpochMs | undefined;
  readonly endReason: string | undefined;
  readonly codecs: readonly string[];
}

interface Columns {
  id: number;
  vehicle_id: number;
  vehicle: string;
  name: string;
  live: 'push' | 'off';
  state: LensState;
  detail: string | null;
  expected_ms: number | null;
  as_of_ms: number | null;
  open_start_ms: number | null;
  open_end_ms: number | null;
  stored_bytes: number;
  overwrite_ms: number | null;
}

const SELECT = 'SELECT l.*, v.name AS vehicle FROM lens l JOIN vehicle v ON v.id = l.vehicle_id';

export class LensReader {
  protected readonly statements: Statements;

  constructor(statements: Statements) {
    this.statements = statements;
  }

  all(): Lens[] {
    return this.statements.all<Columns>(`${SELECT} ORDER BY v.name, l.name`).map(lens);
  }

  ofVehicle(vehicleId: number): Lens[] {
    return this.statements
      .all<Columns>(`${SELECT} WHERE l.vehicle_id = ? ORDER BY l.name`, vehicleId)
      .map(lens);
  }

  byName(vehicleId: number, name: LensName): Lens | undefined {
    const row = this.statements.get<Columns>(
      `${SELECT} WHERE l.vehicle_id = ? AND l.name = ?`,
      vehicleId,
      name,
    );
    return row && lens(row);
  }

  byId(id: number): Lens | undefined {
    const row = this.statements.get<Columns>(`${SELECT} WHERE l.id = ?`, id);
    return row && lens(row);
  }

  byPath(vehicle: VehicleId, name: LensName): Lens | undefined {
    const row = this.statements.get<Columns>(`${SELECT} WHERE v.name = ? AND l.name = ?`, vehicle, name);
    return row && lens(row);
  }

  /** Size of all verified objects of the fleet. */
  storedBytes(): number {
    return this.statements.get<{ n: number }>('SELECT coalesce(sum(stored_bytes), 0) AS n FROM lens')!.n;
  }

  run(lensId: number, name: RunId): Run | undefined {
    const row = this.statements.get<RunColumns>(
      'SELECT * FROM run WHERE lens_id = ? AND name = ?',
      lensId,
      name,
    );
    return row && run(row);
  }
}

export class LensWriter extends LensReader {
  /** Finds a lens or adds it. */
  ensure(vehicleId: number, name: LensName, live: 'push' | 'off'): Lens {
    this.statements.run(
      `INSERT INTO lens (vehicle_id, name, live, state) VALUES (?, ?, ?, 'stopped')
       ON CONFLICT (vehicle_id, name) DO UPDATE SET live = excluded.live`,
      vehicleId,
      name,
      live,
    );
    return this.byName(vehicleId, name)!;
  }

  /** What the vehicle says of the lens now; its word never reaches back behind an earlier one. */
  setStatus(
    id: number,
    status: Pick<Lens, 'state' | 'detail' | 'open' | 'asOfMs'> & Partial<Pick<Lens, 'overwriteMs'>>,
  ): void {
    this.statements.run(
      // max() of anything with null is null.
      `UPDATE lens SET state = @state, detail = @detail, as_of_ms = coalesce(max(as_of_ms, @asOfMs), as_of_ms, @asOfMs),
         open_start_ms = @openStartMs, open_end_ms = @openEndMs, overwrite_ms = @overwriteMs WHERE id = @id`,
      {
        id,
        state: status.state,
        detail: status.detail ?? null,
        asOfMs: status.asOfMs ?? null,
        openStartMs: status.open?.startMs ?? null,
        openEndMs: status.open?.endMs ?? null,
        overwriteMs: status.overwriteMs ?? null,
      },
    );
  }

  /** Footage of the lens is expected at the latest from `startMs` on. */
  expectFrom(id: number, startMs: EpochMs): void {
    this.statements.run(
      'UPDATE lens SET expected_ms = min(coalesce(expected_ms, ?), ?) WHERE id = ?',
      startMs,
      startMs,
      id,
    );
  }

  /** Finds a run or adds it; what the catalogue says of it comes later. */
  ensureRun(lensId: number, name: RunId): Run {
    this.statements.run('INSERT INTO run (lens_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING', lensId, name);
    return this.run(lensId, name)!;
  }

  setRun(runId: number, row: RunRow): void {
    this.statements.run(
      'UPDATE run SET start_ms = ?, end_ms = ?, end_reason = ?, codecs = ?, width = ?, height = ? WHERE id = ?',
      row.startMs,
      row.endMs ?? null,
      row.endReason ?? null,
      JSON.stringify(row.codecs),
      row.width ?? null,
      row.height ?? null,
      runId,
    );
  }
}

interface RunColumns {
  id: number;
  name: string;
  start_ms: number | null;
  end_ms: number | null;
  end_reason: string | null;
  codecs: string | null;
}

function run(row: RunColumns): Run {
  return {
    id: row.id,
    name: row.name as RunId,
    startMs: row.start_ms ?? undefined,
    endMs: row.end_ms ?? undefined,
    endReason: row.end_reason ?? undefined,
    codecs: row.codecs === null ? [] : (JSON.parse(row.codecs) as string[]),
  };
}

function lens(row: Columns): Lens {
  const vehicle = parseVehicleId(row.vehicle);
  const name = parseLensName(row.name);
  return {
    id: row.id,
    vehicleId: row.vehicle_id,
    vehicle,
    name,
    path: lensPath(vehicle, name),
    live: row.live,
    state: row.state,
    detail: row.detail ?? undefined,
    expectedMs: row.expected_ms ?? undefined,
    asOfMs: row.as_of_ms ?? undefined,
    open:
      row.open_start_ms === null || row.open_end_ms === null
        ? undefined
        : { startMs: row.open_start_ms, endMs: row.open_end_ms },
    overwriteMs: row.overwrite_ms ?? undefined,
    storedBytes: row.stored_bytes,
  };
}
