import { childrenOf, findChild, topLevelBoxes, typeAt } from './box.js';
import { ascii } from './box-writer.js';

const BYTES_BEFORE_FIRST_ENTRY = 8; // version, flags, entry count

/**
 * The init segment with its H.265 sample entries named `hvc1` instead of `hev1`: ffmpeg writes `hev1` when the camera
 * repeats its parameter sets in band, and Apple's players refuse that name. The configuration record has the sets
 * either way. Same length; the very same bytes when there is nothing to rename.
 */
export function withHvc1(init: Uint8Array): Uint8Array {
  let out = init;
  for (const at of hev1Offsets(init)) {
    if (out === init) out = init.slice();
    out.set(ascii('hvc1'), at + 4);
  }
  return out;
}

/** A sample entry by that name. */
export function withHvc1Entry(entry: Uint8Array): Uint8Array {
  if (typeAt(entry, 4) !== 'hev1') return entry;
  const out = entry.slice();
  out.set(ascii('hvc1'), 4);
  return out;
}

function* hev1Offsets(init: Uint8Array): Generator<number> {
  for (const moov of topLevelBoxes(init)) {
    if (moov.type !== 'moov') continue;
    for (const trak of childrenOf(moov)) {
      if (trak.type !== 'trak') continue;
      const mdia = findChild(trak, 'mdia');
      const minf = mdia && findChild(mdia, 'minf');
      const stbl = minf && findChild(minf, 'stbl');
      const stsd = stbl && findChild(stbl, 'stsd');
      if (!stsd) continue;
      for (const entry of childrenOf(stsd, BYTES_BEFORE_FIRST_ENTRY))
        if (entry.type === 'hev1') yield entry.at;
    }
  }
}
