import { AppError } from '../errors/index.js';
import type { Box, BoxHeader } from './box.js';
import { childrenOf, findChild, requireChild } from './box.js';
import type { ByteSource } from './byte-source.js';
import { WindowedSource } from './byte-source.js';
import { presentationOf } from './edit-list.js';
import type { InitSegment } from './init-segment.js';
import { parseDefaults } from './init-segment.js';
import { mp4Invalid, mp4TooLarge } from './mp4-error.js';
import type { MovieFragment } from './movie-fragment.js';
import { parseMovieFragment } from './movie-fragment.js';
import type { RecorderTime } from './recorder-time.js';
import { recorderTimeOf } from './recorder-time.js';
import type { SampleTable } from './sample-table.js';
import { SampleTableBuilder } from './sample-table.js';
import { readWholeBox } from './segment-head.js';
import { hasListedSamples, samplesListed } from './source-samples.js';
import { pictureTimeline, soundTimeline, upToEnd } from './source-timeline.js';
import { describeTrack, sampleBoxesOf, timescaleOf } from './track-box.js';
import type { SampleDefaults, Track } from './track.js';

/** A track of another recorder's file, ready to be cut. */
export interface SourceTrack {
  readonly track: Track;
  /**
   * The whole samples in decode order, each lasting until the next. Offsets count from the start of the file. The edit list
   * is worked in: decode time plus composition offset is the presentation time, which may be negative.
   */
  readonly table: SampleTable;
}

/** A file of another recorder, as far as it can be cut into fragments. */
export interface SourceMovie extends RecorderTime {
  /** `undefined` for a file without a single picture. */
  readonly video: SourceTrack | undefined;
  readonly sound: SourceTrack | undefined;
  /**
   * When the first sample of any of its tracks is presented, in seconds of the container: what its clock speaks of. Never
   * negative.
   */
  readonly beginsSeconds: number;
  /** Codecs of the video and sound that is not carried over. */
  readonly leftOut: readonly string[];
  /** What ended the reading before the end of the file; what stands before it is good. */
  readonly damage: AppError | undefined;
}

/** An hour of progressive video has a `moov` of some 2 MB. */
const MAX_MOOV_BYTES = 64 * 2 ** 20;
const MAX_MOOF_BYTES = 8 * 2 ** 20;
/** Of one track: 13 hours at 44 samples a second, in 60 MB of memory. */
const MAX_SAMPLES = 2 ** 21;
const MAX_TRACKS = 16;
/** Boxes at the top level of a file. */
const MAX_BOXES = 2 ** 19;

/** What an MP4 or a QuickTime file may begin with. */
const FIRST_BOXES = new Set(['ftyp', 'styp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot', 'uuid']);

/** Sound that players of fragmented MP4 know. Uncompressed sound is not among it. */
const CARRIED_SOUND = /^(mp4a|Opus|ac-3|ec-3|fLaC|\.mp3)/;

/**
 * Reads the tables of another recorder's MP4 (progressive, fragmented, or both in one) and nothing of its media. What is
 * cut off or out of order ends the reading and is told; the samples before it count.
 *
 * @throws MP4_INVALID for what is no MP4 or has no `moov`, MP4_UNSUPPORTED for what is not handled, MP4_TOO_LARGE for absurd
 *   tables; errors of the source as they are
 */
export async function readSourceMovie(file: ByteSource): Promise<SourceMovie> {
  const scan = new SourceScan(file);
  const damages = [await scan.run()];
  const { moov, init, video, sound } = scan.described();
  const samplesOf = (track: Track): SampleTable => {
    const { table, damage } = upToEnd(scan.tableOf(track), file.sizeBytes);
    damages.push(damage);
    return table;
  };
  let pictures: SourceTrack | undefined;
  if (video) {
    const { table, damage } = pictureTimeline(
      samplesOf(video),
      video,
      presentationOf(video, init.movieTimescale),
    );
    damages.push(damage);
    if (table.count > 0) pictures = { track: video, table };
  }
  const heard = sound && {
    track: sound,
    table: soundTimeline(samplesOf(sound), presentationOf(sound, init.movieTimescale)),
  };
  const carried = [video, sound];
  return {
    ...recorderTimeOf(moov),
    video: pictures,
    sound: heard && heard.table.count > 0 ? heard : undefined,
    beginsSeconds: scan.beginsSeconds(),
    leftOut: init.tracks
      .filter((track) => track.kind !== 'other' && !carried.includes(track))
      .map(({ codec }) => codec),
    damage: damages.find((one) => one !== undefined),
  };
}

interface Described {
  readonly moov: Box;
  readonly init: InitSegment;
  readonly video: Track | undefined;
  readonly sound: Track | undefined;
}

/** One pass over the boxes at the top level of a file. */
class SourceScan {
  readonly #source: WindowedSource;
  readonly #tables = new Map<Track, SampleTableBuilder>();
  /** Decode time of the first sample of each track that has any. */
  readonly #firstTicks = new Map<Track, number>();
  #described: Described | undefined;

  constructor(file: ByteSource) {
    this.#source = new WindowedSource(file);
  }

  /** Returns what ended the pass before the end of the file. */
  async run(): Promise<AppError | undefined> {
    try {
      let offset = 0;
      for (let count = 0; offset < this.#source.sizeBytes; count++) {
        if (count === MAX_BOXES) throw mp4TooLarge('file', 0, `has over ${MAX_BOXES} boxes`);
        offset = await this.#readBox(offset);
      }
      return undefined;
    } catch (thrown) {
      // Without a moov nothing in the file means anything; a failure of the disk says nothing about the file.
      if (this.#described && thrown instanceof AppError && thrown.code === 'MP4_INVALID') return thrown;
      throw thrown;
    }
  }

  described(): Described {
    if (!this.#described) throw mp4Invalid('file', 0, 'has no moov: it was not finished, or it is no MP4');
    return this.#described;
  }

  tableOf(track: Track): SampleTable {
    return this.#tables.get(track)!.build();
  }

  beginsSeconds(): number {
    const { init } = this.described();
    let begins: number | undefined;
    for (const [track, firstTicks] of this.#firstTicks) {
      const { mediaTime, delayTicks } = presentationOf(track, init.movieTimescale);
      const shown = firstTicks + delayTicks - (track.kind === 'audio' ? mediaTime : 0);
      begins = Math.min(begins ?? Number.POSITIVE_INFINITY, shown / track.timescale);
    }
    return Math.max(0, begins ?? 0);
  }

  /** Reads the box at `offset`; returns where the next begins. */
  async #readBox(offset: number): Promise<number> {
    const header = await this.#source.header(offset);
    if (!header) throw mp4Invalid('file', offset, 'ends inside the header of a box');
    if (offset === 0 && !FIRST_BOXES.has(header.type))
      throw mp4Invalid('file', 0, 'does not begin as an MP4 does');
    if (!/^[\x20-\x7e\u00a9]{4}$/.test(header.type))
      throw mp4Invalid('file', offset, 'has no box where one must be');
    if (header.type === 'moov') await this.#readMovie(offset);
    if (header.type === 'moof') return this.#readFragment(offset);
    const end = offset + (header.sizeBytes ?? this.#source.sizeBytes - offset);
    this.#requireInFile(header, offset, end);
    return end;
  }

  async #readMovie(offset: number): Promise<void> {
    if (this.#described) throw mp4Invalid('moov', offset, 'is the second one');
    const moov = await readWholeBox(this.#source, offset, MAX_MOOV_BYTES);
    const { init, traks } = describeMovie({ ...moov, bytes: moov.bytes.slice(), body: moov.body.slice() });
    const video = init.tracks.find((one) => one.kind === 'video' && one.nalLengthBytes !== undefined);
    const sound = init.tracks.find((one) => one.kind === 'audio' && CARRIED_SOUND.test(one.codec));
    for (const [track, trak] of traks) {
      if (track.kind !== 'other' && hasListedSamples(sampleBoxesOf(trak))) this.#firstTicks.set(track, 0);
      if (track !== video && track !== sound) continue;
      const builder = new SampleTableBuilder(0);
      builder.addTable(samplesListed(sampleBoxesOf(trak), MAX_SAMPLES));
      this.#tables.set(track, builder);
    }
    this.#described = { moov, init, video, sound };
  }

  async #readFragment(offset: number): Promise<number> {
    const { init } = this.described();
    const moof = await readWholeBox(this.#source, offset, MAX_MOOF_BYTES);
    const mdatAt = offset + moof.bytes.length;
    const mdat = await this.#source.header(mdatAt);
    if (mdat?.type !== 'mdat') throw mp4Invalid('moof', offset, 'is not followed by its mdat');
    const end = mdatAt + (mdat.sizeBytes ?? this.#source.sizeBytes - mdatAt);
    const media = { start: mdatAt + mdat.headerBytes - offset, end: end - offset, fixedAt: offset };
    this.#add(parseMovieFragment(moof.bytes, init, media, offset), offset);
    this.#requireInFile(mdat, mdatAt, end);
    return end;
  }

  #add(fragment: MovieFragment, offset: number): void {
    for (const part of fragment.tracks) {
      const { track, sampleCount, startTicks } = part;
      if (track.kind !== 'other' && sampleCount > 0 && !this.#firstTicks.has(track))
        this.#firstTicks.set(track, startTicks);
      const builder = this.#tables.get(part.track);
      if (!builder) continue;
      if (builder.count + part.sampleCount > MAX_SAMPLES)
        throw mp4TooLarge('file', offset, `has more than ${MAX_SAMPLES} samples in a track`);
      builder.add(part, offset);
    }
  }

  #requireInFile({ type }: BoxHeader, offset: number, end: number): void {
    const { sizeBytes } = this.#source;
    if (end > sizeBytes)
      throw mp4Invalid(type, offset, `has ${sizeBytes - offset} of its ${end - offset} bytes: the file ends`);
  }
}

const NO_DEFAULTS: SampleDefaults = { durationTicks: 0, sizeBytes: 0, flags: 0 };

function describeMovie(moov: Box): { init: InitSegment; traks: ReadonlyMap<Track, Box> } {
  const mvex = findChild(moov, 'mvex');
  const defaults = mvex ? parseDefaults(mvex) : undefined;
  const traks = new Map<Track, Box>();
  for (const trak of childrenOf(moov)) {
    if (trak.type !== 'trak') continue;
    if (traks.size === MAX_TRACKS) throw mp4TooLarge('moov', moov.at, `has more than ${MAX_TRACKS} tracks`);
    const said = describeTrack(trak);
    traks.set({ ...said, defaults: defaults?.get(said.id) ?? NO_DEFAULTS }, trak);
  }
  return {
    init: { movieTimescale: timescaleOf(requireChild(moov, 'mvhd')), tracks: [...traks.keys()] },
    traks,
  };
}
