import { AppError, toAppError } from '@gapless/shared/errors';
import type { LensName, SegmentRef, VehicleId } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';
import type { LiveSlice, PieceDescriptor } from '@gapless/shared/protocol';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import type { Assemblies, Assembly } from '../store/assemblies.js';
import type { StoredObject } from '../store/objects.js';
import type { Store } from '../store/store.js';

export interface LiveReceiverPort {
  readonly store: Store;
  readonly assemblies: Assemblies;
  readonly vehicle: VehicleId;
  readonly vehicleId: number;
  /** Tells the agent how many media bytes were taken in. */
  readonly acknowledge: (bytes: number) => void;
  /** A whole piece of an object has been noted. */
  readonly onPiece: (objectId: number, bytes: number) => void;
  /** A piece could not be noted; it will be fetched again. */
  readonly onFailure: (error: AppError) => void;
  /** Pieces of a later segment of the lens came: of this one no more will. */
  readonly onPassed: (objectId: number) => void;
}

/** An object that live pieces go to. */
interface Destination {
  readonly object: StoredObject;
  /** Undefined when the object is verified already: the same again changes nothing. */
  readonly assembly: Assembly | undefined;
}

interface Growing {
  readonly id: number;
  readonly descriptor: PieceDescriptor;
  readonly destination: Destination;
  receivedBytes: number;
  /** Whether all of it so far is in the object's file. */
  kept: boolean;
}

/** Acknowledged at least this often, so that the agent's window keeps moving. */
const ACK_BYTES = 32 * 1024;

/** Segments of which the destination is remembered; a vehicle has one open per lens. */
const MAX_DESTINATIONS = 256;

/** Takes in the live pieces of one session: each slice goes straight to its place in the object's file. */
export class LiveReceiver {
  readonly #port: LiveReceiverPort;
  readonly #destinations = new Map<string, Destination>();
  /** The object that the last piece of each lens went to. */
  readonly #current = new Map<LensName, number>();
  #growing: Growing | undefined;
  #receivedBytes = 0;
  #acknowledgedBytes = 0;

  constructor(port: LiveReceiverPort) {
    this.#port = port;
  }

  /**
   * Takes one slice; slices are handed in one at a time, in order.
   *
   * @throws LIVE_PIECE_INVALID when it does not continue its piece
   */
  async take(slice: LiveSlice): Promise<void> {
    const growing = slice.descriptor ? await this.#begin(slice.piece, slice.descriptor) : this.#growing;
    if (growing?.id !== slice.piece)
      throw new AppError('LIVE_PIECE_INVALID', `a slice of piece ${slice.piece} comes without its beginning`);
    const { descriptor, destination } = growing;
    const end = growing.receivedBytes + slice.bytes.length;
    if (end > descriptor.sizeBytes || slice.last !== (end === descriptor.sizeBytes)) {
      throw new AppError('LIVE_PIECE_INVALID', `piece ${slice.piece} has another length than it announced`);
    }
    const written = await destination.assembly?.write(slice.bytes, descriptor.offset + growing.receivedBytes);
    growing.kept &&= written ?? false;
    growing.receivedBytes = end;
    if (slice.last) this.#finish(growing);
    this.#acknowledge(slice);
  }

  /** Whether pieces of a segment came in this session, so that more may be on their way. */
  hasSeen(segment: SegmentRef): boolean {
    return this.#destinations.has(segmentId(segment));
  }

  async #begin(id: number, descriptor: PieceDescriptor): Promise<Growing> {
    if (descriptor.part === 'fragment' && descriptor.endMs - descriptor.startMs > MAX_SEGMENT_MS)
      throw new AppError('LIVE_PIECE_INVALID', `piece ${id} lasts longer than a segment may`);
    const destination = await this.#destination(descriptor, descriptor);
    const former = this.#current.get(descriptor.lens);
    this.#current.set(descriptor.lens, destination.object.id);
    if (former !== undefined && former !== destination.object.id) this.#port.onPassed(former);
    this.#growing = { id, descriptor, destination, receivedBytes: 0, kept: true };
    return this.#growing;
  }

  #finish({ descriptor, destination, kept }: Growing): void {
    this.#growing = undefined;
    const { object } = destination;
    if (!kept) return;
    void this.#port.store
      .writeLazily((tables) => {
        const now = tables.objects.byId(object.id);
        if (now?.state !== 'receiving') return;
        tables.pieces.add(object.id, {
          source: 'live',
          from: descriptor.offset,
          to: descriptor.offset + descriptor.sizeBytes,
        });
        if (descriptor.part !== 'fragment' || descriptor.startMs >= descriptor.endMs) return;
        tables.objects.grow(object.id, descriptor);
        tables.coverage.add(object.lensId, 'received', [
          { startMs: descriptor.startMs, endMs: descriptor.endMs },
        ]);
      })
      .then(
        () => this.#port.onPiece(object.id, descriptor.sizeBytes),
        (thrown: unknown) => this.#port.onFailure(toAppError(thrown)),
      );
  }

  #acknowledge(slice: LiveSlice): void {
    this.#receivedBytes += slice.bytes.length;
    if (!slice.last && this.#receivedBytes - this.#acknowledgedBytes < ACK_BYTES) return;
    this.#acknowledgedBytes = this.#receivedBytes;
    this.#port.acknowledge(this.#receivedBytes);
  }

  async #destination(ref: SegmentRef, descriptor: PieceDescriptor): Promise<Destination> {
    const key = segmentId(ref);
    let destination = this.#destinations.get(key);
    if (destination) return destination;
    const { startMs } = descriptor;
    const object = await this.#port.store.write((tables) => {
      const lens = tables.lenses.ensure(this.#port.vehicleId, ref.lens, 'push');
      const run = tables.lenses.ensureRun(lens.id, ref.run);
      tables.lenses.expectFrom(lens.id, startMs);
      const id = tables.objects.ensure({
        lensId: lens.id,
        runId: run.id,
        seq: ref.seq,
        startMs,
        endMs: startMs + 1,
      });
      return tables.objects.byId(id)!;
    });
    const { vehicle, assemblies } = this.#port;
    destination = {
      object,
      assembly: object.state === 'verified' ? undefined : assemblies.of(vehicle, object),
    };
    this.#destinations.set(key, destination);
    if (this.#destinations.size > MAX_DESTINATIONS)
      this.#destinations.delete(this.#destinations.keys().next().value!);
    return destination;
  }
}
