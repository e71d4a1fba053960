/** Bytes in each unit. Decimal prefixes are powers of 1000, as disks are sold; binary ones are written with an `i`. */
const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  PiB: 2 ** 50,
};

/** Units to write in, largest first. */
const WRITTEN = ['PB', 'TB', 'GB', 'MB', 'kB', 'PiB', 'TiB', 'GiB', 'MiB', 'KiB'];

/**
 * Reads a size: `200GB` (10^9), `512MiB` (2^20), `1.5TB`, or plain bytes. `undefined` for anything else, also for
 * `200gb` and `200G`, which leave open whether bits, decimal or binary units are meant.
 */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]{1,3})?$/.exec(text);
  const unitBytes = match ? UNIT_BYTES[match[2] ?? 'B'] : undefined;
  if (!match || unitBytes === undefined) return undefined;
  const bytes = Number(match[1]) * unitBytes;
  const whole = Math.round(bytes);
  // 0.1GB is 1e8 only up to the last bit of a double; a size has to be whole bytes otherwise.
  return Number.isSafeInteger(whole) && Math.abs(bytes - whole) <= bytes * 1e-12 ? whole : undefined;
}

/** Writes a size so that {@link parseSize} reads exactly the same back: `200GB`, `64KiB`, `1234567`. */
export function sizeText(bytes: number): string {
  if (bytes === 0) return '0';
  for (const unit of WRITTEN) {
    const unitBytes = UNIT_BYTES[unit]!;
    if (bytes % unitBytes === 0) return `${bytes / unitBytes}${unit}`;
  }
  return String(bytes);
}

/** What someone who wrote a size almost right probably meant, for "Did you mean": `200gb` or `200 GB` gives `200GB`. */
export function likelySize(text: string): string | undefined {
  const match = /^\s*(\d+(?:[.,]\d+)?)\s*([kmgtp])(i)?b?\s*$/i.exec(text);
  if (!match) return undefined;
  const [, amount = '', prefix = '', binary] = match;
  const letter = binary === undefined && prefix.toLowerCase() === 'k' ? 'k' : prefix.toUpperCase();
  const likely = `${amount.replace(',', '.')}${letter}${binary === undefined ? '' : 'i'}B`;
  return parseSize(likely) === undefined ? undefined : likely;
}
