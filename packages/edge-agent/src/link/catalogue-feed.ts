import { CATALOGUE_WINDOW, MAX_CHANGES } from '@gapless/shared/protocol';
import type { Change } from '@gapless/shared/protocol';

/** The index, as far as the feed needs to know it. */
export interface ChangeSource {
  /** The first `limit` changes after `afterSeq`. */
  after(afterSeq: number, limit: number): { changes: Change[]; throughSeq: number; complete: boolean };
}

/**
 * Tells central what changed, in order, a few messages ahead of its acknowledgements. One feed belongs to one
 * session; the next session begins where central says it got to.
 */
export class CatalogueFeed {
  readonly #source: ChangeSource;
  readonly #send: (message: object) => void;
  readonly #inFlight: number[] = [];
  #afterSeq: number;

  /** @param throughSeq up to where central knows the catalogue already */
  constructor(source: ChangeSource, throughSeq: number, send: (message: object) => void) {
    this.#source = source;
    this.#afterSeq = throughSeq;
    this.#send = send;
  }

  /** Sends what there is to send. Called when the session begins and after each change. */
  pump(): void {
    while (this.#inFlight.length < CATALOGUE_WINDOW) {
      const { changes, throughSeq, complete } = this.#source.after(this.#afterSeq, MAX_CHANGES);
      if (changes.length === 0 && throughSeq === this.#afterSeq) return;
      this.#send({ type: 'catalogue', afterSeq: this.#afterSeq, throughSeq, complete, changes });
      this.#inFlight.push(throughSeq);
      this.#afterSeq = throughSeq;
    }
  }

  /** Central has applied everything up to `throughSeq`. */
  acknowledged(throughSeq: number): void {
    while (this.#inFlight.length > 0 && this.#inFlight[0]! <= throughSeq) this.#inFlight.shift();
    this.pump();
  }
}
