import type { LensName } from '@gapless/shared/ids';
import type { AbsenceReason } from '@gapless/shared/protocol';
import type { EpochMs } from '@gapless/shared/time';
import type { IndexWriter } from '../index/index-writer.js';

/** A stretch without footage that has not ended. */
export interface OpenAbsence {
  readonly sinceMs: EpochMs;
  readonly reason: AbsenceReason;
  readonly detail: string | undefined;
}

/** Writes down when and why a lens had nothing to record. While that lasts, its row grows. */
export class AbsenceLog {
  readonly #index: Pick<IndexWriter, 'addAbsence'>;
  readonly #lens: LensName;
  #open: OpenAbsence | undefined;

  constructor(index: Pick<IndexWriter, 'addAbsence'>, lens: LensName, open: OpenAbsence | undefined) {
    this.#index = index;
    this.#lens = lens;
    this.#open = open;
  }

  /** There is no footage from `absence.sinceMs` on. What is known to be missing already keeps its start and reason. */
  begin(absence: OpenAbsence): void {
    this.#open ??= absence;
  }

  /** Something more is known about why: the camera's last words, say. */
  explain(detail: string): void {
    if (this.#open) this.#open = { ...this.#open, detail };
  }

  /** Still nothing at `untilMs`. */
  async extend(untilMs: EpochMs): Promise<void> {
    const open = this.#open;
    // A wall clock that was set back can put the end before the start; then there is nothing to say.
    if (!open || untilMs <= open.sinceMs) return;
    await this.#index.addAbsence({
      lens: this.#lens,
      startMs: open.sinceMs,
      endMs: untilMs,
      reason: open.reason,
      detail: open.detail === undefined ? undefined : asLabel(open.detail),
    });
  }

  /** Footage begins again at `untilMs`. */
  async end(untilMs: EpochMs): Promise<void> {
    await this.extend(untilMs);
    this.#open = undefined;
  }

  /** A camera was asked from `sinceMs` on and gave nothing: what is missing since then is not missing because it was off. */
  async asked(sinceMs: EpochMs): Promise<void> {
    const open = this.#open;
    if (open?.reason !== 'off') return;
    await this.extend(sinceMs);
    this.#open = { sinceMs: Math.max(open.sinceMs, sinceMs), reason: 'no-signal', detail: undefined };
  }

  /** From `absence.sinceMs` on there is another reason for what is missing already. */
  async turnInto(absence: OpenAbsence): Promise<void> {
    const open = this.#open;
    if (!open || (open.reason === absence.reason && open.detail === absence.detail)) return;
    await this.extend(absence.sinceMs);
    this.#open = absence;
  }
}

const MAX_DETAIL = 500;

/** What the catalogue and the journal take: one line, bounded. */
function asLabel(detail: string): string {
  // eslint-disable-next-line no-control-regex -- a camera's words may hold anything
  return detail.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, MAX_DETAIL);
}
