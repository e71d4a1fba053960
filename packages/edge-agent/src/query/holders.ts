import type { Range } from '@gapless/shared/interval';
import { overlaps } from '@gapless/shared/interval';
import type { EpochMs } from '@gapless/shared/time';

interface Pin extends Range {
  readonly holder: string;
}

const NOBODY: readonly string[] = [];

/** Who protects which segments of a lens; a day's segments are asked for in one pass over the pins. */
export class Holders {
  readonly #pins: readonly Pin[];
  #next = 0;
  /** Pins that have begun and may reach into what is asked for next. */
  #begun: Pin[] = [];

  /** @param pins in order of their starts */
  constructor(pins: readonly Pin[]) {
    this.#pins = pins;
  }

  /** The holders of all pins that overlap `[startMs, endMs)`, by name. Ranges are asked for in order of their starts. */
  of(startMs: EpochMs, endMs: EpochMs): readonly string[] {
    while (this.#next < this.#pins.length && this.#pins[this.#next]!.startMs < endMs)
      this.#begun.push(this.#pins[this.#next++]!);
    if (this.#begun.length === 0) return NOBODY;
    this.#begun = this.#begun.filter((pin) => pin.endMs > startMs);
    const holders = this.#begun
      .filter((pin) => overlaps(pin, { startMs, endMs }))
      .map(({ holder }) => holder);
    return [...new Set(holders)].sort();
  }
}
