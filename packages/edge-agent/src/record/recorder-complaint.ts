import { redactUrls } from '@gapless/shared/log';
import type { SoundTreatment } from './sound-policy.js';

/** What can be learnt from ffmpeg's last words. */
export interface Complaint {
  /** One sentence for an operator. */
  readonly detail: string;
  /** How the sound has to be treated for the next try to get on, if that is what failed. */
  readonly sound: SoundTreatment | undefined;
}

const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/401 Unauthorized|403 Forbidden|authorization failed/i, 'the camera refused the user name or password'],
  [/404 Not Found|Server returned 404/i, 'the camera knows no stream of that name'],
  [/Connection refused/i, 'the camera refused the connection'],
  [/No route to host|Network is unreachable/i, 'no network route to the camera'],
  [/Connection timed out|timed out/i, 'the camera did not answer in time'],
  [
    /Name or service not known|Temporary failure in name resolution/i,
    "the camera's host name cannot be resolved",
  ],
  [/No such file or directory/i, 'the input file or device does not exist'],
  [/Permission denied/i, 'the agent may not read the input'],
  [/Device or resource busy/i, 'another program is using the device'],
  [/does not contain any stream|Invalid data found/i, 'the input contains no video that ffmpeg understands'],
  [/Protocol not found/i, 'this ffmpeg cannot read that kind of URL'],
  [/End of file/i, 'the camera closed the connection'],
];

const SOUND: readonly (readonly [RegExp, SoundTreatment])[] = [
  // MP4 has no place for it: G.711, raw PCM …
  [
    /codec (pcm_\w+|adpcm_\w+|g72\w+|vorbis|wmav\d)[^\n]*(not currently supported in container)|Could not find tag for codec (pcm_\w+|adpcm_\w+|g72\w+|vorbis)/i,
    'convert',
  ],
  [/not supported by the bitstream filter 'aac_adtstoasc'/i, 'carry'],
  [/Malformed AAC bitstream detected: use the audio bitstream filter 'aac_adtstoasc'/i, 'unwrap'],
];

/** Reads the tail of ffmpeg's standard error. Credentials in URLs are cut out first. */
export function readComplaint(stderrTail: string): Complaint {
  // Anything but line ends that controls a terminal stays out: it would be refused where the sentence goes.
  // eslint-disable-next-line no-control-regex -- the very characters that are taken out
  const text = redactUrls(stderrTail).replace(/[\u0000-\u0009\u000b-\u001f\u007f]+/g, ' ');
  const known = CAUSES.find(([pattern]) => pattern.test(text))?.[1];
  const lastLine = text.trim().split('\n').at(-1)?.trim().slice(0, 300);
  return {
    detail:
      known ??
      (lastLine === undefined || lastLine === '' ? 'ffmpeg ended without a word' : `ffmpeg: ${lastLine}`),
    sound: SOUND.find(([pattern]) => pattern.test(text))?.[1],
  };
}
