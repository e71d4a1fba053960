import type { SampleTable } from './sample-table.js';

/** Pictures `[first, end)` of a file and the sound that is heard with them, as one fragment. */
export interface FragmentCut {
  readonly first: number;
  readonly end: number;
  readonly sound: { readonly first: number; readonly end: number };
  /** Decode time of the first picture, in ticks of the pictures. */
  readonly startTicks: number;
  readonly durationTicks: number;
  /** Whether it begins with a sync sample. */
  readonly sync: boolean;
  /** Whether it begins later than the fragment before it ends: the recorder began anew. */
  readonly leaps: boolean;
}

export interface CutTables {
  readonly pictures: SampleTable;
  readonly sound: SampleTable | undefined;
  /** Ticks per second of the pictures and of the sound. */
  readonly timescale: number;
  readonly soundTimescale: number;
}

/** A fragment lasts no longer than this unless a single picture does. */
const MAX_SECONDS = 1;
/** Far below what a fragment may have at most. */
const MAX_BYTES = 8 * 2 ** 20;
const MAX_SAMPLES = 4096;

/**
 * Cuts a file's samples into fragments as the agent's own recordings are cut: each begins at a sync sample, or a second after
 * the one before it. What precedes the first sync sample is in none, since nobody could decode it. Sound goes with the
 * pictures during which it begins. Depends on nothing but the samples.
 */
export function* cutFragments({
  pictures,
  sound,
  timescale,
  soundTimescale,
}: CutTables): Generator<FragmentCut> {
  const { count, decodeTicks, durationTicks } = pictures;
  const heard = new SoundCursor(sound, timescale / soundTimescale);
  let untilTicks: number | undefined;
  for (let first = firstSync(pictures); first < count;) {
    const end = endOfFragment(pictures, first, timescale);
    const startTicks = decodeTicks[first]!;
    const endTicks = decodeTicks[end - 1]! + durationTicks[end - 1]!;
    yield {
      ...{ first, end, startTicks, durationTicks: endTicks - startTicks },
      sound: heard.during(startTicks, endTicks),
      sync: pictures.sync[first] === 1,
      leaps: untilTicks !== undefined && startTicks !== untilTicks,
    };
    untilTicks = endTicks;
    first = end;
  }
}

/** Index of the first sync sample, or how many samples there are. */
export function firstSync({ count, sync }: SampleTable): number {
  const first = sync.subarray(0, count).indexOf(1);
  return first < 0 ? count : first;
}

function endOfFragment(pictures: SampleTable, first: number, timescale: number): number {
  const { count, decodeTicks, durationTicks, sizeBytes, sync } = pictures;
  const startTicks = decodeTicks[first]!;
  let bytes = sizeBytes[first]!;
  let end = first + 1;
  for (; end < count && end - first < MAX_SAMPLES; end++) {
    const goesOn = decodeTicks[end]! === decodeTicks[end - 1]! + durationTicks[end - 1]!;
    const isFull =
      decodeTicks[end]! - startTicks >= MAX_SECONDS * timescale || bytes + sizeBytes[end]! > MAX_BYTES;
    if (sync[end] === 1 || !goesOn || isFull) break;
    bytes += sizeBytes[end]!;
  }
  return end;
}

/** Hands out sound in order, each frame once. */
class SoundCursor {
  readonly #sound: SampleTable | undefined;
  readonly #scale: number;
  #next = 0;

  /** @param scale ticks of the pictures for one of the sound */
  constructor(sound: SampleTable | undefined, scale: number) {
    this.#sound = sound;
    this.#scale = scale;
  }

  /** The frames that begin in a stretch of the pictures; earlier ones that nobody took are left out. */
  during(fromTicks: number, toTicks: number): { readonly first: number; readonly end: number } {
    const before = (ticks: number): boolean =>
      this.#sound !== undefined &&
      this.#next < this.#sound.count &&
      this.#sound.decodeTicks[this.#next]! * this.#scale < ticks;
    while (before(fromTicks)) this.#next++;
    const first = this.#next;
    while (before(toTicks) && this.#next - first < MAX_SAMPLES) this.#next++;
    return { first, end: this.#next };
  }
}
