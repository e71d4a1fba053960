import { AppError, cancelled, toAppError } from '@gapless/shared/errors';
import type { VehicleId } from '@gapless/shared/ids';
import { segmentId } from '@gapless/shared/ids';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { ByteRange, Manifest } from '@gapless/shared/protocol';
import type { Clock, DurationMs, EpochMs } from '@gapless/shared/time';
import { MINUTE_MS, SECOND_MS } from '@gapless/shared/time';
import type { StoredObject } from '../store/objects.js';
import type { Store, StoreWriter } from '../store/store.js';
import type { Transfer } from '../store/transfers.js';
import type { Mailbox, Replies, Reply } from './replies.js';
import { leaseKey } from './replies.js';

/** Where uploads go, as far as the engine needs to know it. */
export interface UploadPlace {
  readonly path: string;
  readonly file: string;
  readonly offset: number;
}

export interface AttemptPort<Place extends UploadPlace = UploadPlace> {
  readonly store: Store;
  readonly clock: Clock;
  readonly step: StepHook;
  /** How vehicles reach the SFTP server. */
  readonly endpoint: () => { host: string; port: number; hostKeys: string[]; user?: string };
  readonly inbox: {
    open(vehicle: VehicleId, transfer: string, manifest: Manifest): Promise<Place>;
    prove(vehicle: VehicleId, place: Place, manifest: Manifest): Promise<void>;
    close(vehicle: VehicleId, place: Place): Promise<void>;
    /** Moves the upload to the quarantine directory under `name`; returns whether there was one. */
    quarantine(vehicle: VehicleId, place: Place, name: string): Promise<boolean>;
  };
  /** Puts a proven artifact where its bytes belong, unless the object is being settled without it. */
  readonly place: (
    artifact: Artifact,
    target: { vehicle: VehicleId; object: StoredObject; bytes: readonly ByteRange[] },
  ) => Promise<{ placed: boolean; cleanUp: () => Promise<void> }>;
  /** Whether the whole object is in its place already, since a crash came before that was noted. */
  readonly isPlaced: (vehicle: VehicleId, object: StoredObject) => Promise<boolean>;
}

export interface Artifact {
  readonly file: string;
  readonly sha256: string;
}

/** Without progress for this long a lease ends. */
export const LEASE_MS: DurationMs = 30 * SECOND_MS;

/** Hashing a segment on a slow card takes its time. */
const OFFER_TIMEOUT_MS: DurationMs = MINUTE_MS;

/** A ticket is good for this long after its last use. */
const TICKET_TTL_MS: DurationMs = 10 * MINUTE_MS;

export interface Conversation {
  readonly vehicle: VehicleId;
  /** The session's: once it has ended, the transfer is that of the next session, and nothing more is noted of this one. */
  readonly signal: AbortSignal;
  readonly send: (message: object) => void;
  readonly replies: Replies;
}

/**
 * One try to get the missing bytes of one object: ask, take the offer, give the ticket, wait for the upload, prove it,
 * put it in its place. The steps are numbered in `docs/design/durability.md`; a kill between any two of them costs at
 * most one block sent twice.
 *
 * @throws TRANSFER_* and LINK_* that may be tried again; SEGMENT_GONE and SEGMENT_CORRUPT, which may not
 */
export async function attemptTransfer<Place extends UploadPlace>(
  port: AttemptPort<Place>,
  talk: Conversation,
  work: Work,
): Promise<void> {
  const { store, inbox, step } = port;
  const { transfer, object } = work;
  if (isWhole(work) && (await port.isPlaced(talk.vehicle, object))) {
    await notePieces(store, { ...work, placed: true }, 0);
    return;
  }
  const generation = await store.write((tables) => {
    talk.signal.throwIfAborted();
    return tables.transfers.lease(transfer.id);
  });
  const { manifest, place } = await obtain(port, talk, { ...work, generation });
  try {
    step('transfer:7-place');
    const { placed, cleanUp } = await port.place(
      { file: place.file, sha256: manifest.sha256 },
      { vehicle: talk.vehicle, object, bytes: transfer.bytes },
    );
    step('transfer:8-pieces');
    await notePieces(store, { ...work, placed }, manifest.sizeBytes);
    step('transfer:9-clean-up');
    await cleanUp();
  } finally {
    await inbox.close(talk.vehicle, place);
  }
}

export interface Work {
  readonly transfer: Transfer;
  readonly object: StoredObject;
}

function isWhole({ transfer, object }: Work): boolean {
  return transfer.totalBytes === object.expected?.sizeBytes;
}

/** Gets the artifact from the vehicle into the inbox, and proves it; its place is the caller's from then on. */
async function obtain<Place extends UploadPlace>(
  port: AttemptPort<Place>,
  talk: Conversation,
  work: Work & { generation: number },
): Promise<{ manifest: Manifest; place: Place }> {
  const { store, inbox, step } = port;
  const { transfer, generation } = work;
  using mailbox = talk.replies.open(leaseKey(transfer.id, generation));
  talk.send(fetchMessage(work, generation));
  let place: Place | undefined;
  try {
    const { manifest } = require(await mailbox.next(OFFER_TIMEOUT_MS), 'offer');
    requireManifest(manifest, work);
    await store.write((tables) => {
      talk.signal.throwIfAborted();
      tables.transfers.setManifest(transfer.id, manifest);
    });
    step('transfer:3-ticket');
    place = await inbox.open(talk.vehicle, transfer.id, manifest);
    await upload(port, talk, { transfer, generation, manifest, place, mailbox });
    step('transfer:6-prove');
    noteLazily(store, talk, (tables) => tables.transfers.beginProof(transfer.id));
    await inbox.prove(talk.vehicle, place, manifest);
    return { manifest, place };
  } catch (thrown) {
    if (!place) throw thrown;
    const error = toAppError(thrown);
    if (!error.code.endsWith('_MISMATCH')) {
      await inbox.close(talk.vehicle, place);
      throw thrown;
    }
    await quarantine(port, talk.vehicle, { ...work, place, error });
    throw new AppError('TRANSFER_FAILED', 'the upload was not what it was announced as', { cause: error });
  } finally {
    talk.send({ type: 'release', transfer: transfer.id, generation });
  }
}

/** Keeps an upload that is not what its manifest says, for somebody to look at. */
async function quarantine<Place extends UploadPlace>(
  { store, clock, inbox }: AttemptPort<Place>,
  vehicle: VehicleId,
  {
    object,
    transfer,
    generation,
    place,
    error,
  }: Work & { generation: number; place: Place; error: AppError },
): Promise<void> {
  const name = `${transfer.id}.${generation}.${error.code.toLowerCase()}`;
  if (!(await inbox.quarantine(vehicle, place, name))) return;
  await store.write((tables) =>
    tables.quarantine.add({
      lensId: object.lensId,
      segment: segmentId(object),
      atMs: clock.nowMs(),
      reason: error.code,
      path: name,
    }),
  );
}

async function notePieces(
  store: Store,
  { transfer, object, placed }: Work & { placed: boolean },
  sentBytes: number,
): Promise<void> {
  await store.write((tables) => {
    tables.requests.countSent(transfer.requestId, sentBytes);
    // What came live may have made the object whole meanwhile.
    if (!placed || tables.objects.byId(object.id)?.state !== 'receiving') return;
    for (const { from, to } of transfer.bytes) tables.pieces.add(object.id, { source: 'fetched', from, to });
    tables.requests.countFruitful(transfer.requestId);
  });
}

function fetchMessage({ transfer, object }: Work, generation: number): object {
  return {
    type: 'fetch',
    transfer: transfer.id,
    generation,
    leaseMs: LEASE_MS,
    segment: { lens: object.lens, run: object.run, seq: object.seq },
    sha256: object.expected!.sha256,
    bytes: transfer.bytes,
  };
}

/** Gives the ticket and waits until the vehicle has sent everything; every sign of progress renews the lease. */
async function upload(
  port: AttemptPort,
  talk: Conversation,
  work: {
    transfer: Transfer;
    generation: number;
    manifest: Manifest;
    place: UploadPlace;
    mailbox: Mailbox;
  },
): Promise<void> {
  const { transfer, generation, manifest, place, mailbox } = work;
  const { store, clock } = port;
  const expiresMs: EpochMs = clock.nowMs() + TICKET_TTL_MS;
  const { offset, path } = place;
  const { sizeBytes } = manifest;
  talk.send({
    type: 'ticket',
    transfer: transfer.id,
    generation,
    user: talk.vehicle,
    ...port.endpoint(),
    path,
    offset,
    sizeBytes,
    expiresMs,
  });
  noteLazily(store, talk, (tables) => tables.transfers.setAcked(transfer.id, offset));
  for (;;) {
    const message = await mailbox.next(LEASE_MS);
    if (message.type === 'uploaded') return;
    // Said twice: once is enough.
    if (message.type === 'offer') continue;
    const { ackedBytes } = require(message, 'progress');
    if (!store.read.transfers.byId(transfer.id)) throw cancelled('the transfer was withdrawn');
    noteLazily(store, talk, (tables) => tables.transfers.setAcked(transfer.id, ackedBytes));
  }
}

/** For people to look at; what is not noted is noted with the next. */
function noteLazily(store: Store, { signal }: Conversation, note: (tables: StoreWriter) => void): void {
  const noted = store.writeLazily((tables) => {
    if (!signal.aborted) note(tables);
  });
  noted.catch(() => undefined);
}

function require<T extends Reply['type']>(reply: Reply, type: T): Extract<Reply, { type: T }> {
  if (reply.type === type) return reply as Extract<Reply, { type: T }>;
  if (reply.type !== 'failed')
    throw new AppError('LINK_PROTOCOL', `the vehicle answered "${reply.type}" where "${type}" was due`);
  switch (reply.outcome) {
    case 'gone':
      throw new AppError('SEGMENT_GONE', reply.message);
    case 'corrupt':
      throw new AppError('SEGMENT_CORRUPT', reply.message);
    case 'retry':
      throw new AppError('TRANSFER_FAILED', reply.message, { details: { code: reply.code } });
  }
}

/** An artifact is exactly the bytes that were asked for; if that is the whole segment, its hash is known already. */
function requireManifest(manifest: Manifest, work: Work): void {
  const { transfer, object } = work;
  if (manifest.sizeBytes !== transfer.totalBytes) {
    throw new AppError(
      'LINK_PROTOCOL',
      `the vehicle offers ${manifest.sizeBytes} bytes where ${transfer.totalBytes} were asked for`,
    );
  }
  const { sha256 } = object.expected!;
  if (isWhole(work) && manifest.sha256 !== sha256) {
    throw new AppError(
      'SEGMENT_CORRUPT',
      'the segment on the vehicle does not have the hash of its catalogue',
    );
  }
}
