import { describe, expect, it } from 'vitest';
import { piecesOf, recipes, recorded, recordingPath, streamsOf } from '../../../../fixtures/media/index.js';
import type { RecipeName } from '../../../../fixtures/media/index.js';
import { withHvc1 } from './apple-hevc.js';
import { presentationOf } from './edit-list.js';
import { parseInitSegment, primaryTrack } from './init-segment.js';

const initOf = async (name: RecipeName): Promise<Uint8Array> => piecesOf(await recorded(name))[0]!.bytes;

describe(parseInitSegment, () => {
  it.each(Object.keys(recipes) as RecipeName[])('says of %s what ffprobe says', async (name) => {
    const init = parseInitSegment(await initOf(name));
    const streams = await streamsOf(await recordingPath(name));
    expect(init.tracks).toHaveLength(streams.length);
    init.tracks.forEach((track, i) => {
      const stream = streams[i]!;
      expect(track.kind).toBe(stream['codec_type']);
      expect(`1/${track.timescale}`).toBe(stream['time_base']);
      expect(track.codec.split('.')[0]).toBe(stream['codec_tag_string']);
      if (track.kind === 'video')
        expect([track.width, track.height]).toEqual([stream['width'], stream['height']]);
      else
        expect([track.channels, String(track.sampleRate)]).toEqual([
          stream['channels'],
          stream['sample_rate'],
        ]);
    });
  });

  it('names codecs as RFC 6381 does', async () => {
    const codecs = async (name: RecipeName) =>
      parseInitSegment(await initOf(name)).tracks.map(({ codec }) => codec);
    expect(await codecs('h264')).toEqual(['avc1.4d400b', 'mp4a.40.2']);
    expect(await codecs('h265')).toEqual(['hvc1.1.6.L30.90', 'mp4a.40.2']);
  });

  it('gives the decoder configuration and the length before each NAL unit', async () => {
    const [video, audio] = parseInitSegment(await initOf('h264')).tracks;
    expect(video!.decoderConfiguration!.subarray(0, 4)).toEqual(new Uint8Array([1, 0x4d, 0x40, 0x0b]));
    expect(video!.nalLengthBytes).toBe(4);
    expect(audio!.decoderConfiguration).toBeUndefined();
    expect(audio!.nalLengthBytes).toBeUndefined();
  });

  it('reads the edit list that makes up for the reordering of pictures and the priming of sound', async () => {
    const init = parseInitSegment(await initOf('h264'));
    const presentations = init.tracks.map((track) => presentationOf(track, init.movieTimescale));
    expect(presentations).toEqual([
      { mediaTime: 1024, delayTicks: 0 },
      { mediaTime: 1024, delayTicks: 0 },
    ]);
  });

  it('refuses a plain MP4 file', async () => {
    const init = await initOf('silent');
    const plain = init.slice();
    plain.set(new TextEncoder().encode('free'), offsetOf(plain, 'mvex') + 4);
    expect(() => parseInitSegment(plain)).toThrow('has no mvex: this is not a fragmented file');
  });

  it('refuses a file that keeps some samples in its moov', async () => {
    const init = (await initOf('silent')).slice();
    init[offsetOf(init, 'stts') + 15] = 1; // entry_count
    expect(() => parseInitSegment(init)).toThrow('has samples in the moov of a fragmented file');
  });

  it.each([
    ['no moov', new Uint8Array(0)],
    ['text', new TextEncoder().encode('GET / HTTP/1.1\r\n')],
  ])('refuses %s', (_note, bytes) => {
    expect(() => parseInitSegment(bytes)).toThrow(expect.objectContaining({ code: 'MP4_INVALID' }));
  });
});

describe(primaryTrack, () => {
  it('is the video, wherever it stands', async () => {
    const init = parseInitSegment(await initOf('h264'));
    const reversed = { ...init, tracks: init.tracks.toReversed() };
    expect(primaryTrack(reversed).kind).toBe('video');
  });

  it('is the sound where there is no video, and nothing else will do', async () => {
    const init = parseInitSegment(await initOf('h264'));
    const sound = init.tracks.filter(({ kind }) => kind === 'audio');
    expect(primaryTrack({ ...init, tracks: sound }).kind).toBe('audio');
    const other = sound.map((track) => ({ ...track, kind: 'other' as const }));
    expect(() => primaryTrack({ ...init, tracks: other })).toThrow('neither video nor sound');
  });
});

describe(withHvc1, () => {
  it('renames hev1 and changes nothing else', async () => {
    const init = await initOf('h265');
    const hev1 = init.slice();
    const at = offsetOf(hev1, 'hvc1');
    hev1.set(new TextEncoder().encode('hev1'), at + 4);
    expect(parseInitSegment(hev1).tracks[0]!.codec).toBe('hev1.1.6.L30.90');
    expect(withHvc1(hev1)).toEqual(init);
  });

  it('hands back the very same bytes when there is nothing to rename', async () => {
    const init = await initOf('h264');
    expect(withHvc1(init)).toBe(init);
  });
});

/** Where the box of that type begins, by a search for its name. */
function offsetOf(file: Uint8Array, type: string): number {
  return Buffer.from(file).indexOf(type) - 4;
}
