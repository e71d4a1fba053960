/** Bytes per second in each unit. Bits are spelt out, because `Mb/s` and `MB/s` differ by eight and look alike. */
const UNIT_BYTES_PER_SEC: Readonly<Record<string, number>> = {
  'bit/s': 1 / 8,
  'kbit/s': 1e3 / 8,
  'Mbit/s': 1e6 / 8,
  'Gbit/s': 1e9 / 8,
  'B/s': 1,
  'kB/s': 1e3,
  'MB/s': 1e6,
  'GB/s': 1e9,
  'KiB/s': 2 ** 10,
  'MiB/s': 2 ** 20,
  'GiB/s': 2 ** 30,
};

/** Units to write in: those that networks are sold in first, largest first. */
const WRITTEN = ['Gbit/s', 'Mbit/s', 'kbit/s', 'B/s'];

/**
 * Reads a rate as bytes per second: `2Mbit/s`, `800kbit/s`, `1.5MB/s`. `undefined` for anything else, also for a
 * rate below one byte per second. Fractions of a byte are rounded.
 */
export function parseBitrate(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]+\/s)$/.exec(text);
  const unit = match ? UNIT_BYTES_PER_SEC[match[2] ?? ''] : undefined;
  if (!match || unit === undefined) return undefined;
  const bytesPerSec = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(bytesPerSec) && bytesPerSec > 0 ? bytesPerSec : undefined;
}

/** Writes a rate so that {@link parseBitrate} reads exactly the same back: `2Mbit/s`, `1234567B/s`. */
export function bitrateText(bytesPerSec: number): string {
  for (const unit of WRITTEN) {
    const amount = bytesPerSec / UNIT_BYTES_PER_SEC[unit]!;
    if (Number.isInteger(amount)) return `${amount}${unit}`;
  }
  return `${bytesPerSec}B/s`;
}

/** What someone who wrote a rate almost right probably meant: `2 Mbit/s`, `2mbps`, `2Mbit` give `2Mbit/s`. */
export function likelyBitrate(text: string): string | undefined {
  const match = /^\s*(\d+(?:[.,]\d+)?)\s*([kmg])?\s*bits?(?:\/s|ps)?\s*$/i.exec(
    text.replace(/bps\s*$/i, 'bit/s'),
  );
  if (!match) return undefined;
  const [, amount = '', prefix = ''] = match;
  const letter = prefix.toLowerCase() === 'k' ? 'k' : prefix.toUpperCase();
  const likely = `${amount.replace(',', '.')}${letter}bit/s`;
  return parseBitrate(likely) === undefined ? undefined : likely;
}
