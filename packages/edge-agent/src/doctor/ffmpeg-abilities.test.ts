import { describe, expect, it } from 'vitest';
import { ffmpegAbilities, namesIn, protocolsIn, versionIn } from './ffmpeg-abilities.js';
import { askProgram } from './program-process.js';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';

describe('ffmpegAbilities', () => {
  it('learns of a real ffmpeg what it can do', async () => {
    const can = await ffmpegAbilities(FFMPEG, askProgram);
    expect(can.version).toMatch(/\d/);
    expect([...can.protocols]).toEqual(expect.arrayContaining(['file', 'tcp', 'udp']));
    expect(can.protocols).not.toContain('Output:');
    expect([...can.demuxers]).toEqual(expect.arrayContaining(['rtsp', 'mp4', 'lavfi']));
    expect(can.demuxers).not.toContain('no-such-thing');
    expect(can.muxers).toContain('mp4');
    expect([...can.decoders]).toEqual(expect.arrayContaining(['h264', 'hevc']));
    expect([...can.encoders]).toEqual(expect.arrayContaining(['aac', 'mjpeg']));
  });

  it('says when there is none', async () => {
    await expect(ffmpegAbilities('no-such-ffmpeg', askProgram)).rejects.toMatchObject({
      code: 'FFMPEG_MISSING',
    });
  });
});

it('reads how an ffmpeg calls itself', () => {
  expect(versionIn('ffmpeg version n7.1-2-gabc Copyright (c) …\nbuilt with gcc')).toBe('n7.1-2-gabc');
  expect(versionIn('something else')).toBe('of unknown version');
});

it('reads only what can be read through', () => {
  const text = 'Supported file protocols:\nInput:\n  file\n  srt\nOutput:\n  file\n  icecast\n';
  expect([...protocolsIn(text)]).toEqual(['file', 'srt']);
});

describe('namesIn', () => {
  it('passes over the legend, and takes apart a row with several names', () => {
    const text =
      'Formats:\n D. = Demuxing supported\n --\n D  mov,mp4,m4a     QuickTime / MOV\n  E null  raw null\n';
    expect([...namesIn(text)]).toEqual(['mov', 'mp4', 'm4a', 'null']);
  });

  it('reads the three columns of a newer ffmpeg', () => {
    const text =
      'Devices:\n D.. = Demuxing supported\n ---\n D d lavfi           Libavfilter\n DE  mp4             MP4\n';
    expect([...namesIn(text)]).toEqual(['lavfi', 'mp4']);
  });

  it('reads the six columns of coders', () => {
    const text =
      'Decoders:\n V..... = Video\n ------\n VFS..D h264                 H.264 / AVC\n A....D aac   AAC\n';
    expect([...namesIn(text)]).toEqual(['h264', 'aac']);
  });
});
