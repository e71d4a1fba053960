import type { AppError } from '@gapless/shared/errors';
import { AppError as Failure, cancelled, isCancelled, toAppError } from '@gapless/shared/errors';
import { ExtentList } from '@gapless/shared/extents';
import type { Disk } from '@gapless/shared/fs';
import type { SegmentRef } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { Log } from '@gapless/shared/log';
import type { FetchMessage, Manifest, TicketMessage } from '@gapless/shared/protocol';
import type { Clock } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import { segmentContent } from '../index/segment-content.js';
import type { SegmentRecord } from '../index/rows.js';
import { describeArtifact } from './artifact.js';

/** Carries one artifact to the place that a ticket names. */
export interface Carrier {
  upload(upload: {
    readonly ticket: TicketMessage;
    readonly artifact: ExtentList;
    readonly signal: AbortSignal;
    readonly onProgress: (ackedBytes: number) => void;
  }): Promise<void>;
}

export interface TransfersPort {
  readonly reader: IndexReader;
  readonly storageDir: string;
  readonly disk: Disk;
  readonly carrier: Carrier;
  readonly clock: Clock;
  readonly step: StepHook;
  readonly log: Log;
  /** The segment's file does not have its hash any more. */
  readonly onCorrupt: (segment: SegmentRecord) => void;
}

interface Active {
  readonly generation: number;
  readonly segment: SegmentRef;
  readonly abort: AbortController;
  artifact?: ExtentList;
  /** Its media lie in a file of another recorder, which may go at any moment. */
  isAdopted?: boolean;
  manifest?: Manifest;
  /** What central has of it; undefined until it is being sent. */
  ackedBytes?: number;
}

/** How far a transfer has come. */
export interface TransferState {
  readonly segment: SegmentRef;
  /** `reading` its hashes, `offered` to central, being sent. */
  readonly state: 'reading' | 'offered' | 'sending';
  readonly sizeBytes: number | undefined;
  readonly ackedBytes: number;
}

/** Progress is told this often; it also renews central's lease. */
const PROGRESS_MS = SECOND_MS;

/**
 * Does what central asks of one session: offers the bytes of segments, and sends them when it has a ticket. Nothing is
 * remembered beyond the session: central asks again, and the same bytes make the same artifact.
 */
export class Transfers {
  readonly #port: TransfersPort;
  readonly #send: (message: object) => void;
  readonly #active = new Map<string, Active>();

  constructor(port: TransfersPort, send: (message: object) => void) {
    this.#port = port;
    this.#send = send;
  }

  get count(): number {
    return this.#active.size;
  }

  /** What central has asked for and has not got yet. */
  get states(): TransferState[] {
    return [...this.#active.values()].map(({ segment, manifest, ackedBytes }) => ({
      segment,
      state: ackedBytes !== undefined ? 'sending' : manifest ? 'offered' : 'reading',
      sizeBytes: manifest?.sizeBytes,
      ackedBytes: ackedBytes ?? 0,
    }));
  }

  /** Whether bytes of a segment are on their way, so that its file has to stay. */
  isSending({ lens, run, seq }: SegmentRef): boolean {
    for (const { segment } of this.#active.values())
      if (segment.seq === seq && segment.run === run && segment.lens === lens) return true;
    return false;
  }

  /** Central wants bytes of a segment: says what they are. */
  async fetch(message: FetchMessage): Promise<void> {
    const { transfer, generation } = message;
    const former = this.#active.get(transfer);
    if (former && former.generation >= generation) return;
    former?.abort.abort(cancelled('a newer lease took over'));
    const active: Active = { generation, segment: message.segment, abort: new AbortController() };
    this.#active.set(transfer, active);
    try {
      this.#port.step('transfer:1-fetch');
      const segment = this.#segment(message);
      active.isAdopted = segment.adopted;
      const artifact = await this.#artifact(segment, message);
      const manifest = await describeArtifact(artifact, active.abort.signal);
      this.#refuseCorrupt(segment, artifact, manifest);
      active.artifact = artifact;
      active.manifest = manifest;
      this.#port.step('transfer:2-offer');
      this.#send({ type: 'offer', transfer, generation, manifest });
    } catch (thrown) {
      this.#fail(transfer, active, toAppError(thrown));
    }
  }

  /** Central allows the bytes to be written. */
  async send(ticket: TicketMessage): Promise<void> {
    const { transfer, generation } = ticket;
    const active = this.#active.get(transfer);
    if (active?.generation !== generation || !active.artifact) return;
    const { clock, carrier, step } = this.#port;
    let toldAtMs = clock.monotonicMs();
    try {
      if (ticket.sizeBytes !== active.artifact.length)
        throw new Failure('LINK_PROTOCOL', 'the ticket is for another artifact');
      step('transfer:4-send');
      active.ackedBytes = ticket.offset;
      await carrier.upload({
        ticket,
        artifact: active.artifact,
        signal: active.abort.signal,
        onProgress: (ackedBytes) => {
          active.ackedBytes = ackedBytes;
          const now = clock.monotonicMs();
          if (now - toldAtMs < PROGRESS_MS) return;
          toldAtMs = now;
          this.#send({ type: 'progress', transfer, generation, ackedBytes });
        },
      });
      step('transfer:5-uploaded');
      this.#send({ type: 'uploaded', transfer, generation });
    } catch (thrown) {
      this.#fail(transfer, active, toAppError(thrown));
    }
  }

  /** Central has no more use for a transfer. */
  release(transfer: string, generation: number): void {
    const active = this.#active.get(transfer);
    if (!active || active.generation > generation) return;
    active.abort.abort(cancelled('central released the transfer'));
    this.#active.delete(transfer);
  }

  /** The session has ended. */
  abortAll(): void {
    for (const { abort } of this.#active.values()) abort.abort(cancelled('the link ended'));
    this.#active.clear();
  }

  #segment({ segment, sha256 }: FetchMessage): SegmentRecord {
    const record = this.#port.reader.segments.get(segment);
    if (!record) throw new Failure('SEGMENT_GONE', `${segmentId(segment)} is not on this vehicle any more`);
    if (record.sha256 !== sha256)
      throw new Failure('SEGMENT_GONE', `${segmentId(segment)} is another file than central asks for`);
    return record;
  }

  async #artifact(segment: SegmentRecord, { bytes }: FetchMessage): Promise<ExtentList> {
    for (const { to } of bytes) {
      if (to > segment.sizeBytes)
        throw new Failure('LINK_PROTOCOL', `central asks for bytes beyond the end of ${segmentId(segment)}`);
    }
    const content = await segmentContent(this.#port.storageDir, segment);
    return new ExtentList(bytes.flatMap(({ from, to }) => content.slice(from, to).extents));
  }

  /** Only the whole file can be held against its hash; parts are proven at central, once they are put together. */
  #refuseCorrupt(segment: SegmentRecord, artifact: ExtentList, manifest: Manifest): void {
    if (artifact.length !== segment.sizeBytes || manifest.sha256 === segment.sha256) return;
    this.#port.onCorrupt(segment);
    throw new Failure(
      'SEGMENT_CORRUPT',
      `${segmentId(segment)} does not have its hash any more: the disk has damaged it`,
    );
  }

  #fail(transfer: string, active: Active, error: AppError): void {
    if (this.#active.get(transfer) !== active) return; // replaced or released meanwhile
    this.#active.delete(transfer);
    if (isCancelled(error)) return;
    this.#port.log.warn({ err: error, transfer }, 'transfer failed');
    this.#send({
      type: 'failed',
      transfer,
      generation: active.generation,
      outcome: outcomeOf(error, active.isAdopted === true),
      code: error.code,
      message: error.message.slice(0, 500),
    });
  }
}

function outcomeOf(error: AppError, isAdopted: boolean): 'gone' | 'corrupt' | 'retry' {
  if (error.code === 'SEGMENT_GONE' || (isAdopted && error.code === 'EXTENT_SHORT')) return 'gone';
  if (error.code === 'SEGMENT_CORRUPT' || error.kind === 'data-loss') return 'corrupt';
  return 'retry';
}
