import type { DurationMs } from '@gapless/shared/time';
import { holdsSecret, secretInput } from './secret-input.js';
import type { SoundTreatment } from './sound-policy.js';

/** Where a lens gets its video from, and what ffmpeg needs to be told about it. */
export interface RecorderInput {
  /** Anything that ffmpeg reads: a URL, a file, or `test:` for a test picture. */
  readonly url: string;
  /** Further ffmpeg input options, before `-i`. */
  readonly options: readonly string[];
  /** Sound: carried over as it is, made into AAC, or left out. `auto` carries what MP4 can carry and converts the rest. */
  readonly audio: 'auto' | 'copy' | 'aac' | 'none';
}

/** How ffmpeg is started. */
export interface RecorderCommand {
  readonly args: readonly string[];
  /** What it reads from its standard input, if anything. */
  readonly script: string | undefined;
}

/** A fragment ends at every sync sample and at the latest after this. */
export const FRAGMENT_MS: DurationMs = 1_000;

/**
 * How ffmpeg is told to turn an input into one continuous fragmented MP4 on its standard output.
 * Nothing is decoded or encoded, but for the test picture and for sound that MP4 cannot carry.
 *
 * `delay_moov` and not `empty_moov`: the latter cannot know the sound's offset and loses it.
 */
export function recorderCommand(input: RecorderInput, sound: SoundTreatment): RecorderCommand {
  const source = sourceOf(input);
  const args = [
    '-hide_banner',
    '-nostdin',
    '-loglevel',
    'warning',
    ...source.args,
    ...codecArguments(input, sound),
    '-f',
    'mp4',
    '-movflags',
    '+frag_keyframe+delay_moov+default_base_moof+skip_trailer',
    '-frag_duration',
    String(FRAGMENT_MS * 1000),
    '-flush_packets',
    '1',
    // When sound or picture falls silent, the other must not wait ten seconds for it, which is ffmpeg's default.
    '-max_interleave_delta',
    String(FRAGMENT_MS * 1000),
    'pipe:1',
  ];
  return { args, script: source.script };
}

function sourceOf({ url, options }: RecorderInput): RecorderCommand {
  if (!holdsSecret(url)) return { args: openArguments(url, options), script: undefined };
  // In the URL, since the transport of RTSP is asked for there in every ffmpeg, and as a line of the script only from 5.0.
  const overTcp = /^rtsps?:/i.test(url) && !options.includes('-rtsp_transport');
  return secretInput(overTcp ? `${url}${url.includes('?') ? '&' : '?'}tcp` : url, options);
}

function openArguments(url: string, options: readonly string[]): string[] {
  const scheme = /^([a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'test':
      return testPicture(url);
    case 'rtsp':
    case 'rtsps':
      return [
        ...(options.includes('-rtsp_transport') ? [] : ['-rtsp_transport', 'tcp']),
        ...options,
        '-i',
        url,
      ];
    case 'v4l2':
      return ['-f', 'v4l2', '-input_format', 'h264', ...options, '-i', url.slice('v4l2:'.length)];
    case 'file': {
      const { path, loop } = fileParts(url);
      // `-re` makes a file run at the speed of a camera.
      return ['-re', ...(loop ? ['-stream_loop', '-1'] : []), ...options, '-i', path];
    }
    default:
      return [...options, '-i', url];
  }
}

/** `file:/path/to/video.mp4` or `file:/path/to/video.mp4?loop`. */
function fileParts(url: string): { path: string; loop: boolean } {
  const rest = url.slice('file:'.length).replace(/^\/\/(?=\/)/, '');
  const loop = rest.endsWith('?loop');
  return { path: loop ? rest.slice(0, -'?loop'.length) : rest, loop };
}

/** `test:` or `test:640x360` or `test:640x360@25`: a moving picture with frame counter and clock, and a tone. */
function testPicture(url: string): string[] {
  const [, size = '640x360', rate = '25'] = /^test:(?:(\d{2,4}x\d{2,4})(?:@(\d{1,3}))?)?/.exec(url) ?? [];
  const picture = `testsrc2=size=${size}:rate=${rate}`;
  return [
    '-re',
    '-f',
    'lavfi',
    '-i',
    picture,
    '-re',
    '-f',
    'lavfi',
    '-i',
    'sine=frequency=440:sample_rate=48000',
  ];
}

function codecArguments(input: RecorderInput, sound: SoundTreatment): string[] {
  if (input.url.startsWith('test:')) {
    // The one input without a camera behind it, so the one whose picture has to be encoded here.
    const video = [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-pix_fmt',
      'yuv420p',
      '-g',
      '50',
      '-b:v',
      '1M',
    ];
    return [...video, '-c:a', 'aac', '-b:a', '64k'];
  }
  return ['-map', '0:v:0?', '-c:v', 'copy', ...soundArguments(input.audio, sound), '-dn', '-sn'];
}

function soundArguments(wish: RecorderInput['audio'], sound: SoundTreatment): string[] {
  if (wish === 'none') return ['-an'];
  const first = ['-map', '0:a:0?', '-c:a'];
  if (wish === 'aac' || sound === 'convert') return [...first, 'aac'];
  return [...first, 'copy', ...(sound === 'unwrap' ? ['-bsf:a', 'aac_adtstoasc'] : [])];
}
