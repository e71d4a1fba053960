/** Randomness, handed in, so that a simulation can replay it. */
export interface Random {
  /** `count` unpredictable bytes. */
  bytes(count: number): Uint8Array;
  /** Uniform in [0, 1). */
  fraction(): number;
}

export function hex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0');
  return out;
}

/** Reads lower-case hex; `undefined` when the text is not hex of exactly `byteLength` bytes. */
export function fromHex(text: string, byteLength: number): Uint8Array | undefined {
  if (text.length !== byteLength * 2 || !/^[0-9a-f]*$/.test(text)) return undefined;
  const out = new Uint8Array(byteLength);
  for (let i = 0; i < byteLength; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}
