import { AppError, toAppError } from '@gapless/shared/errors';
import type { LensName } from '@gapless/shared/ids';
import type { RangeSet } from '@gapless/shared/interval';
import type {
  AgentMessage,
  AnswerMessage,
  CatalogueMessage,
  Change,
  LiveSlice,
  StatusMessage,
  TombstoneReason,
} from '@gapless/shared/protocol';
import { MAX_ITEMS } from '@gapless/shared/protocol';
import type { Clock, DurationMs } from '@gapless/shared/time';
import type { Lens } from '../store/lenses.js';
import type { Store, StoreWriter } from '../store/store.js';
import type { Vehicle } from '../store/vehicles.js';
import type { AgentSession, SessionHandlers } from './agent-session.js';

type Row = Extract<Change, { kind: 'segment' }>['row'];

/** A segment that the vehicle closed, with what is here of it. */
interface Closed {
  readonly lens: Lens;
  readonly row: Row;
  readonly objectId: number | undefined;
}

interface Loss {
  readonly lens: LensName;
  readonly reason: TombstoneReason;
  readonly ranges: RangeSet;
}

/** What the other stages do with what a vehicle says. */
export interface DialoguePort {
  readonly store: Store;
  readonly clock: Clock;
  /** Brings coverage in line with the catalogue; inside the transaction that notes how far it got. */
  readonly applyChanges: (tables: StoreWriter, vehicleId: number, changes: readonly Change[]) => Closed[];
  /** What nobody has any more once changes are applied. */
  readonly lossesOf: (tables: StoreWriter, vehicleId: number, changes: readonly Change[]) => Loss[];
  readonly onLost: (losses: readonly Loss[]) => void;
  /** The vehicle has told its whole catalogue. */
  readonly settleEpoch: (tables: StoreWriter, vehicleId: number) => void;
  /** Asks for what is missing of closed segments; returns the objects to look at again later. */
  readonly planOnline: (
    tables: StoreWriter,
    closed: readonly Closed[],
    flowing: (segment: Closed) => boolean,
  ) => number[];
  readonly askLater: (vehicleId: number, objectIds: readonly number[]) => void;
  /** More may be possible for this vehicle now. */
  readonly wake: (vehicleId: number) => void;
  /** Tries to finish an object. */
  readonly settle: (objectId: number) => void;
  readonly deliver: (
    vehicleId: number,
    reply: Extract<AgentMessage, { type: 'held' | 'offer' | 'progress' | 'uploaded' | 'failed' }>,
  ) => void;
  /** Whoever asked for an operation has the answer. */
  readonly answered: (answer: AnswerMessage) => void;
  /** Over how long the fleet is to spread its return when central closes its links. */
  readonly spreadMs: () => DurationMs;
  readonly receive: { take(slice: LiveSlice): Promise<void>; hasSeen(segment: Row): boolean };
}

/** What is said with one connected vehicle: heartbeats, catalogue, receipts; the rest is handed on. */
export class VehicleDialogue implements SessionHandlers {
  readonly #port: DialoguePort;
  readonly #session: AgentSession;
  readonly #vehicle: Vehicle;
  #receiptsSentSeq = 0;

  constructor(port: DialoguePort, session: AgentSession, vehicle: Vehicle) {
    this.#port = port;
    this.#session = session;
    this.#vehicle = vehicle;
  }

  async message(message: AgentMessage): Promise<void> {
    switch (message.type) {
      case 'status':
        this.#status(message);
        return;
      case 'catalogue':
        await this.#catalogue(message);
        return;
      case 'receipt-ack':
        await this.#port.store.write((tables) =>
          tables.objects.acknowledgeReceipts(this.#vehicle.id, message.through),
        );
        return;
      case 'held':
      case 'offer':
      case 'progress':
      case 'uploaded':
      case 'failed':
        this.#port.deliver(this.#vehicle.id, message);
        return;
      case 'answer':
        this.#port.answered(message);
        return;
      case 'goodbye':
      case 'hello':
        return;
    }
  }

  slice(slice: LiveSlice): Promise<void> {
    return this.#port.receive.take(slice);
  }

  /** Sends the receipts that are due. What an earlier session did not acknowledge is sent again. */
  sendReceipts(): void {
    const { store } = this.#port;
    for (;;) {
      const due = store.read.objects.receipts(this.#vehicle.id, this.#receiptsSentSeq, MAX_ITEMS);
      const last = due.at(-1);
      if (!last) return;
      this.#receiptsSentSeq = last.seq;
      const segments = due.map(({ object: { lens, run, seq, expected } }) => ({
        lens,
        run,
        seq,
        sha256: expected!.sha256,
      }));
      this.#session.send({ type: 'receipt', through: last.seq, segments });
    }
  }

  #status({ sentAt, changeSeq, lenses, storage }: StatusMessage): void {
    const { store, clock, spreadMs } = this.#port;
    const nowMs = clock.nowMs();
    this.#session.send({ type: 'status-ack', sentAt, nowMs, spreadMs: spreadMs() });
    const noted = store.writeLazily((tables) => {
      tables.vehicles.seen(this.#vehicle.id, nowMs, storage);
      // Until the catalogue that goes with it is applied, the status vouches for nothing.
      const applied = tables.vehicles.byId(this.#vehicle.id)!.catalogueSeq >= changeSeq;
      for (const { lens: name, live, state, detail, open, asOfMs, overwriteEtaMs } of lenses) {
        const known = tables.lenses.byName(this.#vehicle.id, name);
        const lens = known?.live === live ? known : tables.lenses.ensure(this.#vehicle.id, name, live);
        const extent =
          open && open.startMs < open.endMs ? { startMs: open.startMs, endMs: open.endMs } : undefined;
        tables.lenses.setStatus(lens.id, {
          // A lens that is paused for want of space gives no picture either; its detail says why.
          state: state === 'paused' ? 'no-signal' : state,
          detail,
          open: extent,
          overwriteMs: overwriteEtaMs,
          // A vehicle whose clock is ahead can vouch for nothing that has not happened yet.
          asOfMs: applied ? Math.min(asOfMs, nowMs) : undefined,
        });
      }
    });
    noted.catch((thrown: unknown) => this.#session.fail(toAppError(thrown)));
  }

  /** @throws LINK_PROTOCOL when changes are left out: what central would believe from then on would be wrong for ever */
  async #catalogue({ afterSeq, throughSeq, complete, changes }: CatalogueMessage): Promise<void> {
    const { store, applyChanges, lossesOf, settleEpoch, planOnline, askLater, wake, settle, receive } =
      this.#port;
    const { closed, later, losses } = await store.write((tables) => {
      if (afterSeq > tables.vehicles.byId(this.#vehicle.id)!.catalogueSeq || throughSeq < afterSeq)
        throw new AppError('LINK_PROTOCOL', `the catalogue goes on after ${afterSeq}, which was not told`);
      const lost = lossesOf(tables, this.#vehicle.id, changes);
      const applied = applyChanges(tables, this.#vehicle.id, changes);
      const again = planOnline(tables, applied, ({ row }) => receive.hasSeen(row));
      if (complete) settleEpoch(tables, this.#vehicle.id);
      tables.vehicles.advanceCatalogue(this.#vehicle.id, throughSeq);
      return { closed: applied, later: again, losses: lost };
    });
    this.#session.send({ type: 'catalogue-ack', throughSeq });
    if (losses.length > 0) this.#port.onLost(losses);
    for (const { objectId } of closed) if (objectId !== undefined) settle(objectId);
    this.sendReceipts();
    askLater(this.#vehicle.id, later);
    wake(this.#vehicle.id);
  }
}
