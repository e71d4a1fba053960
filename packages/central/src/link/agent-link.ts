import { createHash } from 'node:crypto';
import { AppError } from '@gapless/shared/errors';
import type { VehicleId } from '@gapless/shared/ids';
import { newSortableId } from '@gapless/shared/ids';
import type { Hello } from '@gapless/shared/protocol';
import { handshakeTranscript, HEARTBEAT_MS } from '@gapless/shared/protocol';
import type { Store } from '../store/store.js';
import type { Vehicle } from '../store/vehicles.js';
import type { AgentSessionPort, SessionHandlers } from './agent-session.js';
import { AgentSession } from './agent-session.js';
import type { AgentSocket } from './agent-socket.js';
import { admit, shutOutReason } from './admission.js';

export interface AgentLinkPort extends Omit<AgentSessionPort, 'admit'> {
  readonly store: Store;
  readonly version: string;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
  readonly hostKeyFingerprints: () => readonly string[];
  /** The vehicle's index is another than before; runs in the transaction that greets it. */
  readonly onNewEpoch: (
    tables: Parameters<Parameters<Store['write']>[0]>[0],
    vehicleId: number,
    epoch: string,
  ) => void;
  /** Two boxes spoke as one vehicle, so none of them is let in any more. */
  readonly onConflict: (vehicle: VehicleId) => void;
  /** Prepares the work of an admitted session. */
  readonly attach: (session: AgentSession, vehicle: Vehicle) => SessionHandlers;
}

/** The sessions of all vehicles; each vehicle has at most one. */
export class AgentLink {
  readonly #port: AgentLinkPort;
  readonly #sessions = new Map<VehicleId, AgentSession>();
  readonly #open = new Set<AgentSession>();

  constructor(port: AgentLinkPort) {
    this.#port = port;
  }

  /** Takes over a WebSocket that a vehicle opened. */
  accept(socket: AgentSocket): void {
    const session: AgentSession = new AgentSession(socket, {
      ...this.#port,
      admit: (one, hello, nonce) => this.#admit(one, hello, nonce),
    });
    this.#open.add(session);
    session.signal.addEventListener('abort', () => this.#ended(session), { once: true });
  }

  session(vehicle: VehicleId): AgentSession | undefined {
    return this.#sessions.get(vehicle);
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Ends a vehicle's session, since the keys that opened it count no more, and tells it why. */
  disconnect(vehicle: VehicleId): void {
    const known = this.#port.store.read.vehicles.byName(vehicle);
    const why = (known && shutOutReason(known)) ?? `enrolled anew, with other keys`;
    this.#sessions.get(vehicle)?.fail(new AppError('LINK_DENIED', why));
  }

  /** Ends all sessions, so that their vehicles come back spread over time. */
  closeAll(): void {
    for (const session of this.#open) session.close(1012, 'central restarts');
  }

  async #admit(session: AgentSession, hello: Hello, centralNonce: string): Promise<SessionHandlers> {
    const { store, log } = this.#port;
    const known = store.read.vehicles.byName(hello.vehicle);
    const keyId = known ? createHash('sha256').update(known.linkKey).digest('hex') : '';
    const admission = admit(known, hello, { keyId, centralNonce });
    switch (admission.verdict) {
      case 'denied':
        throw new AppError('LINK_DENIED', admission.reason);
      case 'superseded':
        throw new AppError('LINK_SUPERSEDED', 'a newer connection of this vehicle took over');
      case 'conflict':
        await store.write((tables) => tables.vehicles.setState(known!.id, 'conflict'));
        log.error(
          { vehicle: hello.vehicle, remoteAddress: session.remoteAddress, bootId: hello.bootId },
          'two boxes speak as one vehicle',
        );
        this.disconnect(hello.vehicle);
        this.#port.onConflict(hello.vehicle);
        throw new AppError('LINK_DENIED', admission.reason);
      case 'admitted':
        return this.#greet(session, hello, known!, centralNonce);
    }
  }

  async #greet(
    session: AgentSession,
    hello: Hello,
    known: Vehicle,
    centralNonce: string,
  ): Promise<SessionHandlers> {
    const { store, clock, random, version, sign, hostKeyFingerprints, attach, onNewEpoch, log } = this.#port;
    const nowMs = clock.nowMs();
    const vehicle = await store.write((tables) => {
      // Read again inside the transaction: two hellos may have come at once.
      const now = tables.vehicles.byId(known.id)!;
      if (now.state !== 'enrolled')
        throw new AppError('LINK_DENIED', `${hello.vehicle} was turned away meanwhile`);
      if (now.helloCounter >= hello.counter) throw new AppError('LINK_SUPERSEDED', 'a newer hello was first');
      tables.vehicles.greet(known.id, {
        counter: hello.counter,
        bootId: hello.bootId,
        agentVersion: hello.agentVersion,
        nowMs,
      });
      if (known.catalogueEpoch !== hello.catalogueEpoch) onNewEpoch(tables, known.id, hello.catalogueEpoch);
      for (const { lens, live } of hello.lenses) tables.lenses.ensure(known.id, lens, live);
      return tables.vehicles.byId(known.id)!;
    });
    const former = this.#sessions.get(vehicle.name);
    this.#sessions.set(vehicle.name, session);
    former?.fail(new AppError('LINK_SUPERSEDED', 'a newer connection of this vehicle took over'));
    session.vehicle = vehicle.name;
    session.vehicleId = vehicle.id;
    const hostKeys = [...hostKeyFingerprints()];
    const facts = {
      vehicle: hello.vehicle,
      agentKey: hello.key,
      counter: hello.counter,
      centralNonce,
      agentNonce: hello.nonce,
      bootId: hello.bootId,
      catalogueEpoch: hello.catalogueEpoch,
    };
    session.send({
      type: 'welcome',
      session: newSortableId('ses', nowMs, random),
      centralVersion: version,
      nowMs,
      heartbeatMs: HEARTBEAT_MS,
      catalogueSeq: vehicle.catalogueSeq,
      hostKeys,
      signature: Buffer.from(sign(handshakeTranscript('central', facts, hostKeys))).toString('base64'),
    });
    log.info(
      { vehicle: vehicle.name, remoteAddress: session.remoteAddress, agentVersion: hello.agentVersion },
      'vehicle connected',
    );
    return attach(session, vehicle);
  }

  #ended(session: AgentSession): void {
    this.#open.delete(session);
    if (session.vehicle === undefined || this.#sessions.get(session.vehicle) !== session) return;
    this.#sessions.delete(session.vehicle);
    this.#port.log.info({ vehicle: session.vehicle }, 'vehicle disconnected');
  }
}
