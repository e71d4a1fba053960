import type { CliOutput } from '@gapless/shared/cli';
import { formatDuration } from '@gapless/shared/time';
import type { UploadEventLine } from '../control/index.js';
import { megabytes } from './upload-text.js';

type Item = Extract<UploadEventLine, { readonly event: 'item' }>;
type Upload = Extract<UploadEventLine, { readonly event: 'upload' }>;

/** One line that says how far an upload has come, and a sentence for whatever stands in its way. */
export class UploadProgress implements Disposable {
  readonly #output: CliOutput;
  readonly #line: ReturnType<CliOutput['progress']>;
  readonly #items = new Map<number, Item>();
  #said: string | undefined;

  constructor(output: CliOutput) {
    this.#output = output;
    this.#line = output.progress('upload');
  }

  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]();
  }

  take(event: UploadEventLine): void {
    if (event.event === 'upload') this.#say(event);
    else this.#items.set(event.item, event);
    if (event.event === 'item' && event.state === 'retrying') this.#sayRetry(event);
    const items = [...this.#items.values()];
    const total = sum(items, ({ bytes }) => bytes ?? 0);
    const isKnown = items.every(({ bytes, state }) => bytes !== undefined || state === 'failed');
    const done = sum(items, carried);
    this.#line.update({ done, ...(isKnown && total > 0 ? { total } : {}), note: noteOf(items, done, total) });
  }

  #say({ state, reason }: Upload): void {
    if (state === 'paused') this.#sayOnce(`Paused: ${reason?.message ?? 'it was asked to'}.`);
    else if (reason) this.#sayOnce(`Waiting for the server: ${reason.message}.`);
  }

  #sayRetry({ name, reason, retryInMs = 0 }: Item): void {
    this.#sayOnce(
      `${name}: ${reason?.message ?? 'failed'}; again in ${formatDuration(retryInMs)}.`,
      `${name} ${reason?.code ?? ''}`,
    );
  }

  #sayOnce(sentence: string, key = sentence): void {
    if (this.#said === key) return;
    this.#said = key;
    this.#output.say(sentence);
  }
}

/** Bytes of an item that have arrived. */
function carried({ state, bytes = 0, doneBytes }: Item): number {
  if (state === 'sending') return doneBytes;
  return state === 'proving' || state === 'verified' ? bytes : 0;
}

function noteOf(items: readonly Item[], done: number, total: number): string {
  const verified = items.filter(({ state }) => state === 'verified').length;
  const failed = items.filter(({ state }) => state === 'failed').length;
  const proving = items.filter(({ state }) => state === 'proving');
  const hashing = items.filter(({ state }) => state === 'hashing').length;
  const rate = sum(items, ({ state, rateBytesPerSec }) => (state === 'sending' ? (rateBytesPerSec ?? 0) : 0));
  return [
    `${megabytes(done)} of ${megabytes(total)}`,
    ...(rate > 0 ? [`${megabytes(rate)}/s`] : []),
    ...(hashing > 0 ? [`hashing ${hashing}`] : []),
    ...(proving.length > 0
      ? [
          `reading back ${megabytes(sum(proving, ({ doneBytes }) => doneBytes))} of ${megabytes(sum(proving, ({ bytes }) => bytes ?? 0))}`,
        ]
      : []),
    ...(items.length > 1 ? [`${verified} of ${items.length} proven`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ].join(', ');
}

function sum(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
