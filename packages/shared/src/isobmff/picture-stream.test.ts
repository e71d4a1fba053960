import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { made, piecesOf, recorded, recordingOf } from '../../../../fixtures/media/index.js';
import { u16, u32 } from './box-writer.js';
import { fragmentSummary } from './fragment-summary.js';
import { parseInitSegment, primaryTrack } from './init-segment.js';
import { pictureStream } from './picture-stream.js';
import { BitReader, BitWriter, contentBits, escapeNal, unescapeNal } from './rbsp.js';
import { avcInDecodeOrder } from './sequence-parameters.js';
import type { Track } from './track.js';

const x264 = (params: string, ...more: string[]): string[] => [
  ...[
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-bf',
    '2',
    ...(params ? ['-x264-params', params] : []),
    ...more,
  ],
];
const x265 = (params: string, ...more: string[]): string[] => [
  ...['-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', ...more],
  ...['-x265-params', `log-level=error:pools=1:frame-threads=1:bframes=3${params}`],
];
const COLOURS = 'colorprim=bt709:transfer=bt709:colormatrix=bt709';

/** What encoders can say in front of what is changed. */
const streams: readonly { what: string; video: readonly string[] }[] = [
  { what: 'H.264', video: x264('') },
  { what: 'H.264 with scaling lists', video: x264('cqm=jvt:8x8dct=1', '-profile:v', 'high') },
  { what: 'H.264 with buffering models', video: x264('nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500') },
  { what: 'H.264 interlaced', video: x264('tff=1', '-vf', 'scale=160:96') },
  { what: 'H.264 4:4:4', video: x264('', '-pix_fmt', 'yuv444p') },
  {
    what: 'H.264 with colours',
    video: x264(`sar=4/3:overscan=show:videoformat=pal:range=pc:chromaloc=1:${COLOURS}`),
  },
  { what: 'H.265', video: x265('') },
  { what: 'H.265 with layers', video: x265(':temporal-layers=1') },
  {
    what: 'H.265 with colours',
    video: x265(`:sar=2:range=full:hrd=1:vbv-maxrate=500:vbv-bufsize=500:${COLOURS}`),
  },
  { what: 'H.265 that has to be cropped', video: x265('', '-vf', 'scale=130:66') },
];

const REORDERING = /^(max_num_reorder_frames|sps_max_(num_reorder_pics|latency_increase_plus1)\[\d\])$/;

interface Field {
  readonly name: string;
  readonly value: number;
  /** Bits before it. */
  readonly at: number;
}

async function trackOf(path: string): Promise<{ track: Track; sample: Uint8Array }> {
  const [first, fragment] = piecesOf(await readFile(path));
  const init = parseInitSegment(first!.bytes);
  const { offset, sizeBytes } = fragmentSummary(fragment!.bytes, init).primary!.firstSample;
  return { track: primaryTrack(init), sample: fragment!.bytes.subarray(offset, offset + sizeBytes) };
}

/** What ffmpeg reads in the sequence parameter set that a decoder is set up with. */
async function sequenceSetIn(movie: Uint8Array): Promise<Field[]> {
  const child = spawn('ffmpeg', [
    ...['-hide_banner', '-loglevel', 'trace', '-f', 'mp4', '-i', 'pipe:0', '-map', '0:v:0'],
    ...['-c', 'copy', '-bsf:v', 'trace_headers', '-f', 'null', '-'],
  ]);
  child.stdin.on('error', () => undefined).end(movie);
  const said = await text(child.stderr);
  const [, , set = ''] =
    /(Extradata[\s\S]*?)Sequence Parameter Set\n([\s\S]*?)Picture Parameter Set/.exec(said) ?? [];
  return [...set.matchAll(/\] (\d+) +(?!rbsp_)(\S+) +[01]+ = (-?\d+)/g)].map(([, at, name, value]) => ({
    name: name!,
    value: Number(value),
    at: Number(at),
  }));
}

function recordingBy(video: readonly string[]): Promise<string> {
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=25', '-t', '1', '-pix_fmt', 'yuv420p'];
  return made([...picture, ...video]).then(recordingOf);
}

function movieOf(track: Track, sample: Uint8Array): Buffer {
  const stream = pictureStream(track);
  return Buffer.concat([stream.init, ...stream.fragment(sample, 1)]);
}

describe(pictureStream, () => {
  it.each(streams)('says that nothing is reordered, and changes nothing else: $what', async ({ video }) => {
    const path = await recordingBy(video);
    const { track, sample } = await trackOf(path);
    const before = await sequenceSetIn(await readFile(path));
    const after = await sequenceSetIn(movieOf(track, sample));
    expect(before.some(({ name, value }) => REORDERING.test(name) && value > 0)).toBe(true);
    const truth = before.map(({ name, value }) => ({ name, value: REORDERING.test(name) ? 0 : value }));
    expect(after.map(({ name, value }) => ({ name, value }))).toEqual(truth);
    expect(pictureStream(track).isPrompt(sample)).toBe(true);
  });

  it('says so in a set that said nothing about it', async () => {
    const path = await recordingBy(x264(''));
    const fields = await sequenceSetIn(await readFile(path));
    const { track } = await trackOf(path);
    const record = track.decoderConfiguration!;
    const set = unescapeNal(record.subarray(8, 8 + record[6]! * 256 + record[7]!));
    const vuiAt = fields.find(({ name }) => name === 'vui_parameters_present_flag')!.at;
    const references = fields.find(({ name }) => name === 'max_num_ref_frames')!.value;
    const silent = new BitWriter();
    silent.copy(set, 0, vuiAt);
    silent.flag(false);
    const changed = unescapeNal(avcInDecodeOrder(escapeNal(silent.finish())));
    const from = new BitReader(changed);
    from.skip(vuiAt);
    expect(from.bits(11)).toBe(0b1_00000000_11); // something is said, nothing but this, vectors leave the picture
    expect(Array.from({ length: 6 }, () => from.unsigned())).toEqual([2, 1, 15, 15, 0, references]);
    expect(from.position).toBe(contentBits(changed));
  });

  it('says so of sets that a camera repeats in front of its pictures', async () => {
    const { track, sample } = await trackOf(await recordingBy(x264('')));
    const record = track.decoderConfiguration!;
    const set = record.subarray(8, 8 + record[6]! * 256 + record[7]!);
    const repeated = Buffer.concat([u32(set.length), set, sample]);
    const changed = avcInDecodeOrder(set);
    const media = Buffer.concat(pictureStream(track).fragment(repeated, 1).slice(3));
    expect(media.equals(Buffer.concat([u32(changed.length), changed, sample]))).toBe(true);
  });

  it('knows what a decoder can go on after', async () => {
    const { track, sample } = await trackOf(await recordingBy(x264('')));
    const stream = pictureStream(track);
    const nal = (...bytes: number[]): Uint8Array =>
      Buffer.concat([u32(bytes.length), Uint8Array.from(bytes)]);
    expect(stream.isPrompt(nal(0x65, 0x88))).toBe(true);
    expect(stream.isPrompt(Buffer.concat([nal(0x65, 0x88), nal(0x65, 0x40)]))).toBe(true); // two slices
    expect(stream.isPrompt(Buffer.concat([nal(0x65, 0x88), nal(0x65, 0x88)]))).toBe(false); // two fields
    expect(stream.isPrompt(nal(0x41, 0x88))).toBe(false); // a picture of an open GOP
    expect(stream.isPrompt(new Uint8Array(0))).toBe(false);
    const foreign: Track = {
      ...track,
      codec: 'mp4v.20.9',
      decoderConfiguration: undefined,
      nalLengthBytes: undefined,
    };
    expect(pictureStream(foreign).isPrompt(sample)).toBe(false);
  });

  it('leaves sets alone that make no sense', async () => {
    const { track, sample } = await trackOf(await recordingBy(x264('')));
    const record = Uint8Array.of(1, 100, 0, 30, 0xff, 0xe1, ...u16(2), 0x67, 100, 0);
    const stream = pictureStream({ ...track, decoderConfiguration: record });
    expect(stream.isPrompt(sample)).toBe(false);
    expect(Buffer.concat(stream.fragment(sample, 1)).includes(Buffer.from(sample))).toBe(true);
  });

  it('takes whatever a configuration says without falling over', async () => {
    const [first] = piecesOf(await recorded('h264'));
    const track = primaryTrack(parseInitSegment(first!.bytes));
    const record = track.decoderConfiguration!;
    for (let at = 6; at < record.length; at++)
      for (const value of [0, 0x80, 0xff]) {
        const broken = record.slice();
        broken[at] = value;
        pictureStream({ ...track, decoderConfiguration: broken });
        pictureStream({ ...track, decoderConfiguration: broken.subarray(0, at) });
      }
  });
});
