import type { ErrorCode } from '@gapless/shared/errors';

/** A parser of foreign bytes. It reads them, or refuses them with one of its codes; anything else is a fault. */
export interface FuzzTarget {
  readonly name: string;
  /** Sound inputs, which are then damaged. */
  readonly seeds: () => Promise<readonly Uint8Array[]>;
  readonly read: (bytes: Uint8Array) => unknown;
  readonly refusals: readonly ErrorCode[];
}

/** A parser of text. */
export function textTarget(
  name: string,
  texts: readonly string[],
  read: (text: string) => unknown,
  refusals: readonly ErrorCode[],
): FuzzTarget {
  return {
    name,
    seeds: () => Promise.resolve(texts.map((text) => Buffer.from(text))),
    read: (bytes) => read(Buffer.from(bytes).toString('utf8')),
    refusals,
  };
}
