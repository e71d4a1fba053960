import type { DurationMs } from '@gapless/shared/time';
import { SECOND_MS } from '@gapless/shared/time';
import type { Diagnosis } from './finding.js';
import { failed, ok, warning } from './finding.js';
import type { Picture } from './picture-watch.js';

/** What is done to the sound on its way into the recording. */
export type SoundFate = 'carried' | 'converted' | 'left-out';

const CODECS: Readonly<Record<string, string>> = {
  avc1: 'H.264',
  avc3: 'H.264',
  hev1: 'H.265',
  hvc1: 'H.265',
  mp4a: 'AAC',
  'mp4a.6b': 'MP3',
  'mp4a.69': 'MP3',
  '.mp3': 'MP3',
  'ac-3': 'AC-3',
  opus: 'Opus',
};

/** What is made of a camera that showed something. */
export function judgePicture(
  { video, sound, watchedMs, framesPerSecond, keyframeMs }: Picture,
  fate: SoundFate,
  segmentMs: DurationMs,
): Diagnosis {
  if (!video)
    return failed(
      'the input has sound and no video',
      'Name the stream that carries the picture as its input.',
    );
  const name = codecName(video.codec);
  const keyframes =
    keyframeMs === undefined
      ? `no second keyframe within ${seconds(watchedMs)}`
      : `a keyframe every ${seconds(keyframeMs)}`;
  const detail = [
    `${name} ${video.width ?? '?'}x${video.height ?? '?'}`,
    `${Number(framesPerSecond.toFixed(1))} frames/s`,
    keyframes,
    soundText(sound, fate),
  ].join(', ');
  if (name !== 'H.264' && name !== 'H.265')
    return warning(detail, 'Set the camera to H.264 or H.265: few players show anything else.');
  if ((keyframeMs ?? watchedMs) > segmentMs)
    return warning(
      detail,
      'Set the camera to a keyframe every second or two (its GOP or I-frame interval): a segment cannot be shorter than that.',
    );
  return ok(detail);
}

function soundText(sound: Picture['sound'], fate: SoundFate): string {
  if (fate === 'left-out') return 'sound is left out';
  if (!sound) return 'no sound';
  const made = `${codecName(sound.codec)} ${(sound.sampleRate ?? 0) / 1000} kHz`;
  return fate === 'converted' ? `sound is converted to ${made}` : `sound is carried over as ${made}`;
}

function codecName(codec: string): string {
  const lower = codec.toLowerCase();
  return CODECS[lower] ?? CODECS[lower.split('.')[0]!] ?? codec;
}

function seconds(ms: DurationMs): string {
  return `${(ms / SECOND_MS).toFixed(1)} s`;
}

/** Whether an input can be read by one program alone: what a running agent reads cannot be opened beside it. */
export function hasOneReader(url: string): boolean {
  return /^(v4l2|udp|rtp):|[?&]listen(=1|&|$)|[?&]mode=listener/i.test(url);
}

const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/user name or password/, 'Put the right user name and password into the input: rtsp://user:password@…'],
  [/knows no stream/, 'Look up the path of its stream in the manual of the camera, or in its web page.'],
  [/refused the connection/, 'Is it a camera, and is the port right? RTSP usually listens on 554.'],
  [/no network route/, 'Look at the address of the box in the network of the cameras: ip route get ADDRESS'],
  [
    /did not answer|resolved|no picture/,
    'Is the camera powered and cabled, and its address right? Try: ping ADDRESS',
  ],
  [
    /Input\/output error/,
    'The camera did not answer, or did not accept the passphrase: is it powered, and are address and passphrase right?',
  ],
  [/does not exist/, 'Look at the path in the input, and whether the device is plugged in.'],
  [/may not read/, 'Give the user of the agent the right to read it; for a device: usermod -aG video USER'],
  [/another program/, 'Find the program that uses it: fuser -v DEVICE'],
];

export function judgeSilence(detail: string): Diagnosis {
  const remedy = REMEDIES.find(([pattern]) => pattern.test(detail))?.[1];
  return failed(
    detail,
    remedy ?? 'Look at the input and at the camera’s own settings; docs/guide/cameras.md lists the kinds.',
  );
}
