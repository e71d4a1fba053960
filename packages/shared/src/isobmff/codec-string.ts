/**
 * RFC 6381 parameters of the codecs that are recorded, from their configuration records. `undefined` when the record
 * is too short to say.
 */

/** `64001f`: profile, constraint flags and level as they stand in `avcC` (ISO/IEC 14496-15 section 5.3.3.1). */
export function avcParameters(avcC: Uint8Array): string | undefined {
  if (avcC.length < 4) return undefined;
  return [avcC[1]!, avcC[2]!, avcC[3]!].map(twoDigits).join('');
}

/** `1.6.L93.b0`: profile, compatibility, tier and level, constraints (ISO/IEC 14496-15 annex E.3). */
export function hevcParameters(hvcC: Uint8Array): string | undefined {
  if (hvcC.length < 13) return undefined;
  const profileByte = hvcC[1]!;
  const space = ['', 'A', 'B', 'C'][profileByte >> 6]!;
  const tier = (profileByte & 0x20) === 0 ? 'L' : 'H';
  const profile = profileByte & 0x1f;
  const constraints = [...hvcC.subarray(6, 12)];
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  return [
    `${space}${profile}`,
    reversedBits(hvcC.subarray(2, 6)).toString(16),
    `${tier}${hvcC[12]!}`,
    ...constraints.map((byte) => byte.toString(16)),
  ].join('.');
}

/** The 32 compatibility flags are written with flag 0 as the highest bit and named with flag 0 as the lowest. */
function reversedBits(bytes: Uint8Array): number {
  let out = 0;
  for (let i = 0; i < 32; i++) if ((bytes[i >> 3]! >> (7 - (i & 7))) & 1) out += 2 ** i;
  return out;
}

export function twoDigits(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
