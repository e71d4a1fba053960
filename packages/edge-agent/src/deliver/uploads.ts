import { join } from 'node:path';
import { AppError, cancelled, toAppError } from '@gapless/shared/errors';
import { newSortableId, quote } from '@gapless/shared/ids';
import { openDatabase } from '@gapless/shared/sqlite';
import { DAY_MS } from '@gapless/shared/time';
import { Board } from './board.js';
import type { UploadRequest } from './request.js';
import { MAX_ITEMS, requireTokens } from './request.js';
import { Sources } from './sources.js';
import type { SourcesPort } from './sources.js';
import type { UploadEvent, UploadStatus } from './status.js';
import { uploadsSchema } from './store/schema.js';
import type { UploadRecord } from './store/rows.js';
import { UploadStore } from './store/upload-store.js';
import { fillTemplate, tokensOf } from './template-policy.js';
import type { UploadRunPort } from './upload-run.js';
import { openUploader, UploadRun } from './upload-run.js';

export interface UploadsPort extends Omit<UploadRunPort, 'sources' | 'store'> {
  readonly stateDir: string;
  readonly sources: SourcesPort;
}

/** Uploads under way at a time; the rest waits in the order in which it was asked for. */
const MAX_RUNNING = 4;
/** Uploads that have not ended. */
const MAX_OPEN = 1_000;
const KEEP_MS = 30 * DAY_MS;

/** An upload that is under way or waits. */
interface Active {
  readonly board: Board;
  /** Set while it is under way. */
  run?: { readonly stop: AbortController; readonly ended: Promise<void> };
}

/**
 * Upload: carries files, segments and clips to any SFTP server. What was accepted is gone on with after a restart, until it
 * is done or cancelled.
 */
export class Uploads implements AsyncDisposable {
  readonly #port: UploadsPort;
  readonly #runPort: UploadRunPort;
  readonly #store: UploadStore;
  readonly #close: () => void;
  readonly #active = new Map<string, Active>();
  #isDisposed = false;

  /** @throws DATABASE_* */
  constructor(port: UploadsPort) {
    const { stateDir, clock } = port;
    const database = openDatabase(join(stateDir, 'uploads.sqlite'), uploadsSchema);
    this.#port = port;
    this.#store = new UploadStore(database, clock);
    this.#close = () => void database.close();
    this.#runPort = { ...port, sources: new Sources(port.sources), store: this.#store };
  }

  /** Goes on with what an earlier agent accepted. */
  async begin(): Promise<void> {
    await this.#store.forget(this.#port.clock.nowMs() - KEEP_MS);
    for (const upload of this.#store.open()) this.#enlist(upload);
    this.#next();
  }

  /**
   * Takes an upload on, once all that can be known of it before is right; resolves with its id when it is durable.
   *
   * @throws ARGUMENT_INVALID, INPUT_MISSING, UPLOAD_SOURCE_REFUSED, SEGMENT_GONE, LENS_UNKNOWN, SECRET_EXPOSED,
   *   KEY_UNREADABLE, UPLOAD_TOO_MANY
   */
  async accept(request: UploadRequest): Promise<string> {
    const { clock, random, step } = this.#port;
    if (this.#active.size >= MAX_OPEN)
      throw new AppError('UPLOAD_TOO_MANY', `${MAX_OPEN} uploads are waiting already`);
    const names = await this.#examine(request);
    const id = newSortableId('upl', clock.nowMs(), random);
    step('deliver:1-accept');
    await this.#store.add(id, clock.nowMs(), request, names);
    this.#enlist(this.#store.get(id)!);
    this.#next();
    return id;
  }

  /** The newest first. */
  list(limit: number): UploadStatus[] {
    return this.#store.newest(limit).map(({ id }) => this.get(id));
  }

  /** @throws UPLOAD_UNKNOWN */
  get(id: string): UploadStatus {
    return this.#boardOf(id).status;
  }

  /**
   * Calls `listener` with how things stand, and then with every change; the last event is that of the upload's end.
   *
   * @returns how to stop that
   * @throws UPLOAD_UNKNOWN
   */
  watch(id: string, listener: (event: UploadEvent) => void): () => void {
    return this.#boardOf(id).watch(listener);
  }

  /** Ends an upload. What lies on the server in part stays there, under its partial name. */
  async cancel(id: string): Promise<void> {
    await this.#stop(id, 'the upload was cancelled');
    await this.#end(id, 'cancelled');
  }

  /** Stops an upload until it is resumed, be it by an agent that is started later. */
  async pause(id: string): Promise<void> {
    await this.#stop(id, 'the upload was paused');
    await this.#store.setState(id, 'paused');
    const reason = { code: 'CANCELLED', message: 'it was asked to pause' };
    this.#active.get(id)?.board.tellUpload({ state: 'paused', reason });
    this.#next();
  }

  async resume(id: string): Promise<void> {
    const { board } = this.#requireOpen(id);
    if (board.status.state !== 'paused') return;
    await this.#store.setState(id, 'queued');
    board.tellUpload({ state: 'queued', reason: undefined });
    this.#next();
  }

  /** Stops all of them where they are; they are gone on with by the next agent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    const runs = [...this.#active.values()].flatMap(({ run }) => run ?? []);
    for (const { stop } of runs) stop.abort(cancelled('the agent stops'));
    await Promise.all(runs.map(({ ended }) => ended));
    this.#store[Symbol.dispose]();
    this.#close();
  }

  /** Proves as much of a request as can be proven without the server; returns what its items are called. */
  async #examine({ plan, sources }: UploadRequest): Promise<string[]> {
    if (sources.length === 0)
      throw new AppError('ARGUMENT_INVALID', 'nothing is named that is to be uploaded');
    if (sources.length > MAX_ITEMS)
      throw new AppError(
        'ARGUMENT_INVALID',
        `an upload has at most ${MAX_ITEMS} items, not ${sources.length}`,
      );
    requireTokens(plan.tokens);
    const { destination, uploader } = await openUploader(this.#runPort, plan);
    await uploader[Symbol.asyncDispose]();
    const names: string[] = [];
    const paths = new Map<string, string>();
    const isByContent = tokensOf(destination.template).has('sha256');
    for (const source of sources) {
      const { name, tokens } = await this.#runPort.sources.terms(source);
      const path = fillTemplate(destination.template, { ...plan.tokens, ...tokens, sha256: '0'.repeat(64) });
      const other = paths.get(path);
      if (other !== undefined && !isByContent)
        throw new AppError(
          'ARGUMENT_INVALID',
          `${quote(other)} and ${quote(name)} would both go to ${path}`,
          {
            hint: 'Put {name}, {start} or {sha256} into the path of the destination.',
          },
        );
      paths.set(path, name);
      names.push(name);
    }
    return names;
  }

  #boardOf(id: string): Board {
    const active = this.#active.get(id);
    if (active) return active.board;
    const upload = this.#store.get(id);
    if (!upload) throw new AppError('UPLOAD_UNKNOWN', `there is no upload ${quote(id)}`);
    return new Board(this.#port.clock, upload, this.#store.items(id));
  }

  #requireOpen(id: string): Active {
    const active = this.#active.get(id);
    if (active) return active;
    const { state } = this.get(id);
    throw new AppError('UPLOAD_ENDED', `the upload ${id} has ended: ${state}`);
  }

  #enlist(upload: UploadRecord): void {
    this.#active.set(upload.id, { board: new Board(this.#port.clock, upload, this.#store.items(upload.id)) });
  }

  /** Sets out with those that wait, as many as may be under way. */
  #next(): void {
    for (const [id, active] of this.#active) {
      const running = [...this.#active.values()].filter(({ run }) => run).length;
      if (this.#isDisposed || running >= MAX_RUNNING) return;
      if (active.run || active.board.status.state !== 'queued') continue;
      const stop = new AbortController();
      active.run = { stop, ended: this.#run(id, active, stop.signal) };
    }
  }

  async #run(id: string, active: Active, signal: AbortSignal): Promise<void> {
    const { log } = this.#port;
    active.board.tellUpload({ state: 'running' });
    try {
      await new UploadRun(this.#runPort, this.#store.get(id)!, active.board).run(signal);
      const isDone = this.#store.items(id).every(({ state }) => state === 'verified');
      delete active.run;
      await this.#end(id, isDone ? 'done' : 'failed');
    } catch (thrown) {
      delete active.run;
      if (!signal.aborted)
        log.error({ err: toAppError(thrown), upload: id }, 'upload could not be worked on');
    }
  }

  async #stop(id: string, why: string): Promise<void> {
    const { run } = this.#requireOpen(id);
    run?.stop.abort(cancelled(why));
    await run?.ended;
    this.#requireOpen(id);
  }

  async #end(id: string, state: 'done' | 'failed' | 'cancelled'): Promise<void> {
    const endedMs = this.#port.clock.nowMs();
    await this.#store.end(id, state, endedMs);
    const board = this.#active.get(id)?.board;
    this.#active.delete(id);
    if (state === 'cancelled')
      for (const { seq, state: left } of board?.status.items ?? [])
        if (left !== 'verified' && left !== 'failed') board?.tellItem(seq, { state: 'cancelled' });
    board?.tellUpload({ state, endedMs, reason: undefined });
    this.#port.log.info({ upload: id, state }, 'upload ended');
    this.#next();
  }
}
