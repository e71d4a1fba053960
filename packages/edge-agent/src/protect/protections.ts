import { AppError, toAppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { LensName } from '@gapless/shared/ids';
import { overlaps } from '@gapless/shared/interval';
import type { StepHook } from '@gapless/shared/lifecycle';
import { every, Serial } from '@gapless/shared/lifecycle';
import type { ListInput, ProtectInput, UnprotectInput } from '@gapless/shared/protocol';
import type { Log } from '@gapless/shared/log';
import type { Clock } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import type { IndexReader } from '../index/index-reader.js';
import type { IndexWriter } from '../index/index-writer.js';
import { protectionsText, readProtections, writeProtections } from '../index/journal/protections-file.js';
import type { ProtectionRecord } from '../index/rows.js';
import type { LensRange } from '../index/selection.js';
import { requireLens, selectedRange } from '../index/selection.js';
import { planProtect, planUnprotect } from './protection-plan.js';
import type { ShareState } from './share-policy.js';
import { shareState } from './share-policy.js';

export interface ProtectionsPort {
  readonly reader: IndexReader;
  readonly index: Pick<IndexWriter, 'protections'>;
  readonly disk: Disk;
  /** Absolute path of the recordings. */
  readonly storageDir: string;
  readonly clock: Clock;
  readonly step: StepHook;
  readonly log: Log;
  /** Bytes that the recordings may take at all, as the disk is now. */
  readonly roomBytes: () => Promise<number>;
  /** Part of that which protected footage may take, from 0 to 1. */
  readonly maxRatio: () => number;
}

/** How much of the disk is protected, and how much may be. */
export interface Share {
  /** Bytes of all segments that any pin overlaps. */
  readonly protectedBytes: number;
  /** Beyond this a new pin is refused. */
  readonly maxBytes: number;
  /** How near the one is to the other; people are warned long before a pin is refused. */
  readonly share: ShareState;
}

/** Which footage is protected, and how much more may be. */
export interface Protected extends Share {
  /** Pins in force, by lens, start and holder. */
  readonly pins: readonly ProtectionRecord[];
}

/** Pins are made by people and their programs; more than this of one lens are a mistake. */
const MAX_PINS = 1_000;
const LOOK_MS = 10 * SECOND_MS;

/** Pins footage against eviction, in the numbered order of `docs/design/durability.md`. */
export class Protections {
  readonly #port: ProtectionsPort;
  readonly #writing = new Serial();
  /** Lenses whose file does not say what the index says. */
  readonly #unwritten = new Set<LensName>();
  #share: ShareState = 'ample';

  constructor(port: ProtectionsPort) {
    this.#port = port;
  }

  /** Writes the files that a crash left behind the index. */
  async begin(): Promise<void> {
    const { reader, storageDir } = this.#port;
    for (const lens of reader.lenses()) {
      const text = await readProtections(storageDir, lens);
      if (text !== protectionsText(reader.protections.ofLens(lens))) this.#unwritten.add(lens);
    }
    await this.#writeFiles();
  }

  /** Ends what has expired, and warns when protections come to take much of the disk, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await every(this.#port.clock, LOOK_MS, signal, async () => {
      try {
        await this.look();
      } catch (thrown) {
        this.#port.log.error({ err: toAppError(thrown) }, 'protections could not be looked after');
      }
    });
  }

  /** One look of {@link run}. */
  async look(): Promise<void> {
    const { reader, index, clock, log } = this.#port;
    const expired = reader.protections.expired(clock.nowMs());
    if (expired.length > 0) {
      const pins = await index.protections.removeExpired(clock.nowMs());
      log.info({ pins, lenses: expired }, 'protections expired');
      for (const lens of expired) this.#unwritten.add(lens);
    }
    await this.#writeFiles();
    await this.#judgeShare();
  }

  /**
   * Pins footage: whatever overlaps it is not evicted, until the pin expires or its holder takes it back. What the same
   * holder said of the range before is replaced, so the same request changes nothing. A pin ends with what has been
   * recorded: it never covers the future, of which nobody can say how much it will take.
   *
   * @returns the pins of that range
   * @throws ARGUMENT_INVALID, LENS_UNKNOWN, SEGMENT_GONE, PROTECT_SHARE_USED_UP, PROTECT_TOO_MANY, DATABASE_*
   */
  async protect({ selection, holder, reason, expiresMs }: ProtectInput): Promise<Protected> {
    const { reader, clock } = this.#port;
    const nowMs = clock.nowMs();
    if (expiresMs !== undefined && expiresMs <= nowMs)
      throw new AppError('ARGUMENT_INVALID', 'the protection would have expired already');
    const { lens, range } = this.#recorded(selectedRange(reader, selection));
    const pin = { lens, ...range, holder, reason, madeMs: nowMs, expiresMs };
    const maxBytes = await this.#maxBytes();
    await this.#change(lens, (pins) => {
      const change = planProtect(pins, pin);
      if (pins.length - change.remove.length + change.add.length > MAX_PINS)
        throw new AppError('PROTECT_TOO_MANY', `${lens} has ${pins.length} protections already`, {
          hint: 'Take back those that are not needed any more, or protect longer ranges.',
        });
      const more = reader.protections.unprotectedBytes(lens, range);
      const bytes = reader.protections.protectedBytes();
      if (more > 0 && bytes + more > maxBytes) throw shareUsedUp({ bytes, more, maxBytes });
      return change;
    });
    return this.list({ lens, range });
  }

  /**
   * Takes back what a holder pinned of a range; what others pinned of it stays. The rest of a longer pin stays, too.
   *
   * @returns the pins of that range that are left
   * @throws LENS_UNKNOWN, SEGMENT_GONE, PROTECT_TOO_MANY, DATABASE_*
   */
  async unprotect({ selection, holder }: UnprotectInput): Promise<Protected> {
    const { lens, range } = selectedRange(this.#port.reader, selection);
    await this.#change(lens, (pins) => planUnprotect(pins, holder, range));
    return this.list({ lens, range });
  }

  /**
   * Lists pins: all, those of a lens, or those that overlap a range.
   *
   * @throws LENS_UNKNOWN
   */
  async list({ lens, range }: ListInput = {}): Promise<Protected> {
    const { reader } = this.#port;
    if (lens !== undefined) requireLens(reader, lens);
    const pins = lens === undefined ? reader.protections.all() : reader.protections.ofLens(lens);
    return {
      pins: range === undefined ? pins : pins.filter((pin) => overlaps(pin, range)),
      ...(await this.share()),
    };
  }

  /** How much is protected, and how much may be. */
  async share(): Promise<Share> {
    const protectedBytes = this.#port.reader.protections.protectedBytes();
    const maxBytes = await this.#maxBytes();
    return { protectedBytes, maxBytes, share: shareState(protectedBytes, maxBytes, this.#share) };
  }

  /** Changes the pins of a lens, first in the index, then in the file beside the recordings. */
  async #change(lens: LensName, decide: Parameters<IndexWriter['protections']['change']>[1]): Promise<void> {
    const { index, step, log } = this.#port;
    step('protect:1-rows');
    const { add, remove } = await index.protections.change(lens, decide);
    if (add.length + remove.length === 0) return;
    this.#unwritten.add(lens);
    step('protect:2-file');
    await this.#writeFiles();
    log.info({ lens, added: add.length, removed: remove.length }, 'protections changed');
    await this.#judgeShare();
  }

  /** The index has it already: a disk that refuses the file is no reason to refuse the pin, and it is tried again. */
  #writeFiles(): Promise<void> {
    const { reader, log } = this.#port;
    return this.#writing.run(async () => {
      for (const lens of [...this.#unwritten]) {
        try {
          this.#unwritten.delete(lens);
          await writeProtections(this.#port, lens, reader.protections.ofLens(lens));
        } catch (thrown) {
          this.#unwritten.add(lens);
          log.error(
            { lens, err: toAppError(thrown) },
            'protections could not be written beside the recordings',
          );
        }
      }
    });
  }

  async #judgeShare(): Promise<void> {
    const { share: state, ...facts } = await this.share();
    if (state === this.#share) return;
    this.#share = state;
    if (state === 'ample') this.#port.log.info(facts, 'protected footage has room again');
    else if (state === 'near')
      this.#port.log.warn(facts, 'protected footage takes most of what it may; take back what is not needed');
    else
      this.#port.log.error(facts, 'protected footage takes all that it may; nothing more can be protected');
  }

  async #maxBytes(): Promise<number> {
    return Math.floor(Math.max(0, await this.#port.roomBytes()) * this.#port.maxRatio());
  }

  #recorded({ lens, range }: LensRange): LensRange {
    const { reader, clock } = this.#port;
    // Where the clock was set back, there is footage beyond the present.
    const newest = reader.segments.newest(lens, { ...range, endMs: Number.MAX_SAFE_INTEGER }, 1)[0];
    const endMs = Math.min(range.endMs, Math.max(clock.nowMs(), newest?.endMs ?? 0));
    if (endMs <= range.startMs)
      throw new AppError('ARGUMENT_INVALID', 'the range lies in the future', {
        hint: 'Protect footage once it has been recorded.',
      });
    return { lens, range: { startMs: range.startMs, endMs } };
  }
}

function shareUsedUp(facts: {
  readonly bytes: number;
  readonly more: number;
  readonly maxBytes: number;
}): AppError {
  const { bytes, more, maxBytes } = facts;
  const mb = (n: number): string => `${Math.ceil(n / 1e6)} MB`;
  return new AppError(
    'PROTECT_SHARE_USED_UP',
    `protecting ${mb(more)} more would exceed ${mb(maxBytes)}: ${mb(bytes)} are protected already`,
    {
      details: { protectedBytes: bytes, moreBytes: more, maxBytes },
      hint: 'Take back protections that are not needed, protect less, or raise "storage.maxProtected".',
    },
  );
}
