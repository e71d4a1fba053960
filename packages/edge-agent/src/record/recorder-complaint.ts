import { redactUrls } from '@gapless/shared/log';

/** What can be learnt from ffmpeg's last words. */
export interface Complaint {
  /** One sentence for an operator. */
  readonly detail: string;
  /** The sound is of a kind that MP4 cannot carry: try again with AAC. */
  readonly audioNeedsConversion: boolean;
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

/** Sound codecs that MP4 has no place for (G.711, raw PCM …), as ffmpeg's muxer reports them. */
const NO_PLACE_FOR_AUDIO =
  /codec (pcm_\w+|adpcm_\w+|g72\w+|vorbis|wmav\d)[^\n]*(not currently supported in container)|Could not find tag for codec (pcm_\w+|adpcm_\w+|g72\w+|vorbis)/i;

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
    audioNeedsConversion: NO_PLACE_FOR_AUDIO.test(text),
  };
}
