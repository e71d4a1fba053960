import { createHash } from 'node:crypto';
import { AppError, toAppError } from '@gapless/shared/errors';
import type { StepHook } from '@gapless/shared/lifecycle';
import type { Clock } from '@gapless/shared/time';
import type { SftpUploader } from '../upload/index.js';
import { meet } from './overwrite-policy.js';
import { firstDifference, isRemoteFile, soundPrefix } from './proof.js';
import { makeDirectories, whyNotStored } from './remote-place.js';
import type { UploadPlan } from './request.js';
import type { OpenSource, Sources } from './sources.js';
import type { ItemStatus } from './status.js';
import type { ItemFacts, ItemRecord } from './store/rows.js';
import type { UploadStore } from './store/upload-store.js';
import type { PathTemplate } from './template-policy.js';
import { fillTemplate, partialPath } from './template-policy.js';

export interface ItemPort {
  readonly upload: string;
  readonly plan: UploadPlan;
  readonly template: PathTemplate;
  readonly sources: Sources;
  readonly store: UploadStore;
  readonly uploader: SftpUploader;
  readonly clock: Clock;
  readonly step: StepHook;
  readonly tell: (seq: number, change: Partial<ItemStatus>) => void;
}

/** What could not be proven is sent anew from where it is wrong; a server that gets it wrong again is not to be trusted. */
const MAX_PROOFS = 3;

/** Carries one artifact to its place on a server, in the numbered order of `docs/design/durability.md`. */
export class ItemRun {
  readonly #port: ItemPort;
  #item: ItemRecord;
  readonly #signal: AbortSignal;

  constructor(port: ItemPort, item: ItemRecord, signal: AbortSignal) {
    this.#port = port;
    this.#item = item;
    this.#signal = signal;
  }

  /**
   * Goes on from wherever an earlier attempt ended; resolves when the artifact is proven to lie under its name.
   *
   * @throws what the sources, the uploader and the server fail with; UPLOAD_TARGET_EXISTS, UPLOAD_PROOF_FAILED,
   *   UPLOAD_SOURCE_CHANGED, UPLOAD_REMOTE_FULL
   */
  async run(): Promise<void> {
    const { sources, plan, upload, store, step } = this.#port;
    const { seq } = this.#item;
    await using source = await sources.open(this.#item.source, plan, this.#signal);
    const facts = await this.#describe(source);
    if (!(await this.#isThere(facts))) {
      await this.#port.uploader.use(this.#signal, (remote) => makeDirectories(remote, facts.path));
      await this.#sendAndProve(source, facts);
      if (!(await source.isUnchanged())) throw this.#changed();
      await store.setItemState(upload, seq, 'publishing');
      this.#item = { ...this.#item, state: 'publishing' };
      await this.#publish(facts);
    }
    step('deliver:6-verified');
    await store.setItemState(upload, seq, 'verified');
    this.#tell({ state: 'verified', doneBytes: facts.sizeBytes });
  }

  /** What the artifact is; it is read for that unless it has been. */
  async #describe(source: OpenSource): Promise<ItemFacts> {
    const { store, upload, plan, step, sources, template } = this.#port;
    const { seq, facts: known } = this.#item;
    if (known?.fingerprint === source.fingerprint && known.sizeBytes === source.content.length) {
      this.#tell(known);
      return known;
    }
    step('deliver:2-describe');
    const sha256 = await this.#hash(source);
    source.requireSound(sha256);
    if (!(await source.isUnchanged())) throw this.#changed();
    const { tokens } = await sources.terms(this.#item.source);
    const facts: ItemFacts = {
      fingerprint: source.fingerprint,
      path: fillTemplate(template, { ...plan.tokens, ...tokens, sha256 }),
      sizeBytes: source.content.length,
      sha256,
      savedBytes: source.savedBytes,
    };
    await store.describe(upload, seq, facts);
    this.#item = { ...this.#item, state: 'queued', facts };
    this.#tell(facts);
    return facts;
  }

  async #hash({ content }: OpenSource): Promise<string> {
    const hash = createHash('sha256');
    let doneBytes = 0;
    this.#tell({ state: 'hashing', sizeBytes: content.length, doneBytes });
    try {
      for await (const chunk of content.stream(0, content.length, { signal: this.#signal, reuse: true })) {
        hash.update(chunk);
        doneBytes += chunk.length;
        this.#tell({ doneBytes });
      }
    } catch (thrown) {
      throw this.#ofSource(thrown);
    }
    return hash.digest('hex');
  }

  /** Whether the artifact lies under its name already; throws if something else does that has to stay. */
  async #isThere(facts: ItemFacts): Promise<boolean> {
    const { uploader, plan } = this.#port;
    const { path, sizeBytes } = facts;
    const found = await uploader.use(this.#signal, ({ files }) => files.look(path, { follow: false }));
    const isPublishing = this.#item.state === 'publishing';
    const verdict = meet(found, { overwrite: plan.overwrite, sizeBytes, isPublishing });
    if (verdict.does === 'compare' && (await this.#isProven(path, facts))) {
      await this.#removePartial(facts);
      return true;
    }
    const does = verdict.does === 'compare' ? verdict.else : verdict.does;
    if (does === 'refuse') throw targetExists(path, found?.kind === 'directory');
    return false;
  }

  async #sendAndProve({ content }: OpenSource, facts: ItemFacts): Promise<void> {
    const port = this.#proofPort;
    const partial = partialPath(facts.path, facts.sha256);
    let from: number | undefined = await soundPrefix(port, partial, content).catch((thrown: unknown) => {
      throw this.#ofSource(thrown);
    });
    for (let proofs = 1; ; proofs++) {
      await this.#send(content, partial, from);
      this.#port.step('deliver:4-prove');
      if (await this.#isProven(partial, facts)) return;
      from = await firstDifference(port, partial, content);
      // The server has what lies here, and that is not what was read for its hash.
      if (from === undefined) throw this.#changed();
      if (proofs === MAX_PROOFS)
        throw new AppError(
          'UPLOAD_PROOF_FAILED',
          `${partial} was sent ${proofs} times and reads back wrong from byte ${from} on`,
          { hint: 'The server or its disk damages what it stores. The partial file was left there.' },
        );
    }
  }

  async #send(content: OpenSource['content'], path: string, offset: number): Promise<void> {
    const { uploader, step } = this.#port;
    let ackedBytes = offset;
    step('deliver:3-send');
    this.#tell({ state: 'sending', doneBytes: offset, resumedBytes: offset });
    try {
      await uploader.upload({
        ...{ path, offset, sizeBytes: content.length, signal: this.#signal },
        read: (from) => content.stream(from, content.length, { signal: this.#signal, reuse: true }),
        onProgress: (acked) => {
          ackedBytes = acked;
          this.#tell({ doneBytes: acked });
        },
      });
    } catch (thrown) {
      const failure = this.#ofSource(thrown);
      if (failure.code !== 'UPLOAD_REMOTE_FAILED') throw failure;
      const bytes = content.length - ackedBytes;
      throw await uploader.use(this.#signal, (remote) => whyNotStored(remote, path, { bytes, failure }));
    }
  }

  #isProven(path: string, { sizeBytes, sha256 }: ItemFacts): Promise<boolean> {
    this.#tell({ state: 'proving', doneBytes: 0 });
    return isRemoteFile(this.#proofPort, { path, sizeBytes, sha256 }, (doneBytes) =>
      this.#tell({ doneBytes }),
    );
  }

  async #publish(facts: ItemFacts): Promise<void> {
    const { uploader, plan, step } = this.#port;
    const { path } = facts;
    const partial = partialPath(path, facts.sha256);
    step('deliver:5-publish');
    await uploader.use(this.#signal, async ({ files }) => {
      try {
        if (plan.overwrite === 'never') await files.rename(partial, path);
        else await files.replace(partial, path);
      } catch (thrown) {
        const isDone = !(await files.look(partial, { follow: false }));
        const found = await files.look(path, { follow: false });
        // The answer to an earlier attempt was lost with its connection.
        if (isDone && found?.sizeBytes === facts.sizeBytes) return;
        if (found && plan.overwrite === 'never') throw targetExists(path, false);
        throw thrown;
      }
    });
  }

  /** A server that renames by linking may have been stopped between the two names. */
  async #removePartial({ path, sha256 }: ItemFacts): Promise<void> {
    const partial = partialPath(path, sha256);
    await this.#port.uploader.use(this.#signal, async ({ files }) => {
      if (await files.look(partial, { follow: false })) await files.remove(partial);
    });
  }

  get #proofPort() {
    return { uploader: this.#port.uploader, clock: this.#port.clock, signal: this.#signal };
  }

  #tell(change: Partial<ItemStatus>): void {
    this.#port.tell(this.#item.seq, change);
  }

  /** A file that is shorter than it was a moment ago is being written by somebody. */
  #ofSource(thrown: unknown): AppError {
    const error = toAppError(thrown);
    return error.code === 'EXTENT_SHORT' && this.#item.source.kind === 'file' ? this.#changed(error) : error;
  }

  #changed(cause?: AppError): AppError {
    return new AppError(
      'UPLOAD_SOURCE_CHANGED',
      `${this.#item.name} was changed while it was being uploaded`,
      {
        ...(cause ? { cause } : {}),
        hint: 'Upload it once nobody writes to it any more.',
      },
    );
  }
}

function targetExists(path: string, isDirectory: boolean): AppError {
  const what = isDirectory ? 'is a directory' : 'is there already';
  return new AppError('UPLOAD_TARGET_EXISTS', `${path} ${what} on the server`, {
    hint: isDirectory
      ? 'End the address with the name of a file, such as {name}, or with a slash.'
      : 'Choose another path, for example with {start} or {sha256} in it, or allow it to be replaced: --overwrite if-different.',
  });
}
