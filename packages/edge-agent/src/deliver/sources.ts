import { basename } from 'node:path';
import { AppError } from '@gapless/shared/errors';
import { ExtentList } from '@gapless/shared/extents';
import type { SegmentRef, VehicleId } from '@gapless/shared/ids';
import { segmentFileName, segmentId } from '@gapless/shared/ids';
import type { Range } from '@gapless/shared/interval';
import { compactUtc, formatUtc, utcDay } from '@gapless/shared/time';
import type { ClipPort } from '../clip/index.js';
import { extractClip } from '../clip/index.js';
import type { IndexReader } from '../index/index-reader.js';
import type { SegmentRecord } from '../index/rows.js';
import { segmentContent } from '../index/segment-content.js';
import { openLocalFile } from './local-file.js';
import { withoutPadding } from './padding.js';
import type { Source } from './request.js';
import type { TokenValues } from './template-policy.js';

export interface SourcesPort {
  readonly vehicle: VehicleId;
  readonly reader: Pick<IndexReader, 'segments' | 'lenses'>;
  readonly storageDir: string;
  /** Directories from which files may be taken, the recordings among them. */
  readonly roots: () => readonly string[];
  readonly clip: ClipPort;
  /** A segment's file does not have its hash any more. */
  readonly onCorrupt: (segment: SegmentRecord) => void;
}

/** An artifact that can be read, for as long as it is not disposed of. */
export interface OpenSource extends AsyncDisposable {
  readonly content: ExtentList;
  /** Changes whenever the bytes may have changed. */
  readonly fingerprint: string;
  /** Padding that was left out. */
  readonly savedBytes: number;
  /** Tells those who have read all of it what they must have found. */
  readonly requireSound: (sha256: string) => void;
  /** Whether it is still what it was when it was opened. */
  readonly isUnchanged: () => Promise<boolean>;
}

/** How a source is spoken of. */
export interface SourceTerms {
  readonly name: string;
  readonly tokens: TokenValues;
}

const always = (): Promise<boolean> => Promise.resolve(true);

/** What uploads are made of. */
export class Sources {
  readonly #port: SourcesPort;

  constructor(port: SourcesPort) {
    this.#port = port;
  }

  /**
   * What is known of a source before it is read; proves that it is there and may be uploaded.
   *
   * @throws as {@link open}
   */
  async terms(source: Source): Promise<SourceTerms> {
    const { vehicle, reader, roots, clip } = this.#port;
    if (source.kind === 'file') {
      await using file = await openLocalFile(source.path, roots());
      const name = basename(source.path);
      return { name: source.path, tokens: { vehicle, name, date: utcDay(file.modifiedMs) } };
    }
    if (source.kind === 'segment') {
      const segment = this.#segment(source.segment);
      const tokens = {
        vehicle,
        ...footageTokens(segment),
        name: segmentFileName(segment, segment.fileStartMs),
      };
      return { name: segmentId(segment), tokens };
    }
    const { lens, startMs, endMs } = source;
    if (!clip.lensNow(lens) && !reader.lenses().includes(lens))
      throw new AppError('LENS_UNKNOWN', `there is no lens ${lens} on this vehicle`);
    if (endMs <= startMs) throw new AppError('ARGUMENT_INVALID', 'the stretch to upload is empty');
    const name = `${lens}_${compactUtc(startMs)}.mp4`;
    return {
      name: `${lens} ${formatUtc(startMs)}/${formatUtc(endMs)}`,
      tokens: { vehicle, ...footageTokens(source), name },
    };
  }

  /**
   * Opens a source for reading. Footage stays on the disk as long as it is open.
   *
   * @throws INPUT_MISSING, UPLOAD_SOURCE_REFUSED, SEGMENT_GONE, LENS_UNKNOWN, FOOTAGE_NONE, ARGUMENT_INVALID, STORAGE_*
   */
  open(source: Source, options: { readonly reduce: boolean }, signal: AbortSignal): Promise<OpenSource> {
    if (source.kind === 'file') return this.#openFile(source.path, options, signal);
    if (source.kind === 'segment') return this.#openSegment(source.segment);
    return this.#openClip(source);
  }

  async #openFile(path: string, { reduce }: { reduce: boolean }, signal: AbortSignal): Promise<OpenSource> {
    const file = await openLocalFile(path, this.#port.roots());
    try {
      const whole = new ExtentList([{ kind: 'file', path: file.path, offset: 0, length: file.sizeBytes }]);
      const { content, savedBytes } = reduce
        ? await withoutPadding(whole, signal)
        : { content: whole, savedBytes: 0 };
      return {
        ...{ content, savedBytes, requireSound: () => undefined },
        // The same file with and without its padding are two.
        fingerprint: `${file.fingerprint}:${content.length}`,
        isUnchanged: () => file.isUnchanged(),
        [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
      };
    } catch (thrown) {
      await file[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  async #openSegment(ref: SegmentRef): Promise<OpenSource> {
    const { storageDir, clip, onCorrupt } = this.#port;
    const segment = this.#segment(ref);
    const held = clip.use.hold([segment]);
    return {
      content: await segmentContent(storageDir, segment),
      ...{ savedBytes: 0, fingerprint: segment.sha256, isUnchanged: always },
      requireSound: (sha256) => {
        if (sha256 === segment.sha256) return;
        onCorrupt(segment);
        throw new AppError(
          'SEGMENT_CORRUPT',
          `${segmentId(segment)} does not have its hash any more: the disk has damaged it`,
        );
      },
      [Symbol.asyncDispose]: letGo(held),
    };
  }

  async #openClip({ lens, startMs, endMs, mode }: Source & { kind: 'clip' }): Promise<OpenSource> {
    const clip = await extractClip(this.#port.clip, { lens, range: { startMs, endMs } }, mode);
    return {
      ...{ content: clip.content, savedBytes: 0, fingerprint: clip.etag, isUnchanged: always },
      requireSound: () => undefined,
      [Symbol.asyncDispose]: letGo(clip),
    };
  }

  #segment(ref: SegmentRef): SegmentRecord {
    const segment = this.#port.reader.segments.get(ref);
    if (segment) return segment;
    const open = this.#port.clip.lensNow(ref.lens)?.open;
    const isOpen = open?.run === ref.run && open.seq === ref.seq;
    throw new AppError(
      'SEGMENT_GONE',
      `${segmentId(ref)} ${isOpen ? 'is still being written' : 'is not on this vehicle'}`,
      isOpen ? { hint: 'Upload it once it is closed, or a range of the lens now.' } : {},
    );
  }
}

function footageTokens({ lens, startMs, endMs }: Range & { readonly lens: string }): TokenValues {
  return { lens, date: utcDay(startMs), start: compactUtc(startMs), end: compactUtc(endMs) };
}

function letGo(held: Disposable): () => Promise<void> {
  return () => {
    held[Symbol.dispose]();
    return Promise.resolve();
  };
}
