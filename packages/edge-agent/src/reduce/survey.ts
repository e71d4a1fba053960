import type { ByteSource, LocatedBox } from '@gapless/shared/isobmff';
import { locatedBoxes, mp4Invalid, WindowedSource } from '@gapless/shared/isobmff';
import type { Role } from './box-kinds.js';
import { fieldBytes, isPadding, roleOf } from './box-kinds.js';
import { CAMERA_DATA_BYTES, isCameraData } from './camera-data.js';
import type { Span } from './relocation.js';

/** A box of padding with all the boxes that it lies in, outermost first. */
export interface Padding {
  readonly box: LocatedBox;
  readonly inside: readonly LocatedBox[];
}

/** A box that concerns offsets. */
export interface Concern {
  readonly role: Exclude<Role, 'plain' | 'media'>;
  readonly box: LocatedBox;
  /** The box around it; `undefined` in the file itself. */
  readonly parent: LocatedBox | undefined;
}

/** What the headers of the boxes of a file say. */
export interface Survey {
  readonly padding: readonly Padding[];
  readonly concerns: readonly Concern[];
  /** Bodies of the boxes with samples, in the order of the file. */
  readonly media: readonly Span[];
  /** Boxes of the type of padding in which a camera keeps what it measured. */
  readonly cameraData: readonly LocatedBox[];
}

/** Deeper than any real file; a bound so that no file can exhaust the stack. */
const MAX_DEPTH = 12;

/**
 * Reads the headers of all boxes that may hold padding or offsets.
 *
 * @throws MP4_INVALID when the boxes do not fit into each other, or when there is no `moov` and no `meta`
 */
export async function surveyFile(source: ByteSource, signal: AbortSignal): Promise<Survey> {
  const surveyor = new Surveyor(new WindowedSource(source), signal);
  await surveyor.visitFile();
  return surveyor;
}

class Surveyor implements Survey {
  readonly padding: Padding[] = [];
  readonly concerns: Concern[] = [];
  readonly media: Span[] = [];
  readonly cameraData: LocatedBox[] = [];
  readonly #source: WindowedSource;
  readonly #signal: AbortSignal;
  readonly #counts = new Map<string, number>();

  constructor(source: WindowedSource, signal: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
  }

  async visitFile(): Promise<void> {
    await this.#visitAll([], 0, this.#source.sizeBytes);
    const movies = this.#counts.get('moov') ?? 0;
    if (movies > 1) throw mp4Invalid('moov', 0, 'is there more than once');
    if (movies === 0 && !this.#counts.has('meta')) throw mp4Invalid('file', 0, 'has no moov');
  }

  async #visitAll(inside: readonly LocatedBox[], from: number, to: number): Promise<void> {
    const parent = inside.at(-1)?.type ?? 'file';
    if (inside.length > MAX_DEPTH) throw mp4Invalid(parent, from, `lies in more than ${MAX_DEPTH} others`);
    for await (const box of locatedBoxes(this.#source, { from, to, isFile: inside.length === 0 })) {
      this.#signal.throwIfAborted();
      if (inside.length === 0) this.#counts.set(box.type, (this.#counts.get(box.type) ?? 0) + 1);
      await this.#visit(box, inside, parent);
    }
  }

  async #visit(box: LocatedBox, inside: readonly LocatedBox[], parent: string): Promise<void> {
    const body = box.offset + box.headerBytes;
    if (isPadding(box.type)) {
      if (isCameraData(await this.#source.read(body, Math.min(CAMERA_DATA_BYTES, box.end - body))))
        this.cameraData.push(box);
      else this.padding.push({ box, inside });
      return;
    }
    const role = roleOf(parent, box.type, box.userType);
    if (role === 'media') this.media.push({ from: body, to: box.end });
    else if (role !== 'plain') this.concerns.push({ role, box, parent: inside.at(-1) });
    if (box.type === 'stsd' && parent === 'stbl') await this.#visitSampleEntries(box, inside);
    const fields = fieldBytes(parent, box.type);
    if (fields === undefined) return;
    const first = body + (box.type === 'meta' && (await this.#isQuickTimeMeta(body)) ? 0 : fields);
    if (first > box.end) throw mp4Invalid(box.type, box.offset, 'ends inside its fields');
    await this.#visitAll([...inside, box], first, box.end);
  }

  /** The entries are counted, so that none of them is padding whatever its type; but there may be padding in them. */
  async #visitSampleEntries(stsd: LocatedBox, inside: readonly LocatedBox[]): Promise<void> {
    const from = stsd.offset + stsd.headerBytes + BYTES_BEFORE_FIRST_ENTRY;
    for await (const entry of locatedBoxes(this.#source, { from, to: stsd.end, isFile: false })) {
      const fields = fieldBytes('stsd', entry.type);
      const first = entry.offset + entry.headerBytes + (fields ?? 0);
      if (fields === undefined || first > entry.end) continue;
      await this.#visitPaddingOf(entry, first, [...inside, stsd, entry]);
    }
  }

  /** What else lies in a sample entry concerns no offsets. */
  async #visitPaddingOf(entry: LocatedBox, from: number, inside: readonly LocatedBox[]): Promise<void> {
    for await (const box of locatedBoxes(this.#source, { from, to: entry.end, isFile: false }))
      if (isPadding(box.type)) this.padding.push({ box, inside });
  }

  /** QuickTime's `meta` is no full box: its first child stands where ISO's version and flags are. */
  async #isQuickTimeMeta(body: number): Promise<boolean> {
    const bytes = await this.#source.read(body + 4, 4);
    return Buffer.from(bytes).toString('latin1') === 'hdlr';
  }
}

const BYTES_BEFORE_FIRST_ENTRY = 8; // version, flags, entry count
