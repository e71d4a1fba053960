import { mp4Invalid } from './mp4-error.js';

/** The members of a JSON object, each checked as it is read. Members nobody asks for are left out. */
export class JsonFields {
  readonly #box: string;
  readonly #at: number;
  readonly #record: Readonly<Record<string, unknown>>;

  /**
   * @param box what holds the object, for messages
   * @param at where that lies
   */
  constructor(box: string, at: number, record: Readonly<Record<string, unknown>>) {
    this.#box = box;
    this.#at = at;
    this.#record = record;
  }

  /** An integer from `min` to `max`. */
  integer(key: string, min: number, max: number): number {
    const value = this.#own(key);
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
      throw this.#wrong(key);
    return value as number;
  }

  /** A string that matches. */
  text(key: string, pattern: RegExp): string {
    const value = this.#own(key);
    if (typeof value !== 'string' || !pattern.test(value)) throw this.#wrong(key);
    return value;
  }

  /** As {@link text}; `undefined` when there is no such member. */
  optionalText(key: string, pattern: RegExp): string | undefined {
    return this.#own(key) === undefined ? undefined : this.text(key, pattern);
  }

  /** What `parse` makes of the member; its error becomes the cause of ours. */
  parsed<T>(key: string, parse: (value: unknown) => T): T {
    try {
      return parse(this.#own(key));
    } catch (cause) {
      throw this.#wrong(key, cause);
    }
  }

  #own(key: string): unknown {
    return Object.hasOwn(this.#record, key) ? this.#record[key] : undefined;
  }

  #wrong(key: string, cause?: unknown) {
    return mp4Invalid(this.#box, this.#at, `has no proper "${key}"`, cause);
  }
}
