import type { Diagnosis } from './finding.js';
import { failed, ok, warning } from './finding.js';

/** What an ffmpeg was built with, by ffmpeg's own names. */
export interface Abilities {
  /** As it calls itself: `5.1.9-0+deb12u1`. */
  readonly version: string;
  /** Ways to read. */
  readonly protocols: ReadonlySet<string>;
  readonly demuxers: ReadonlySet<string>;
  readonly muxers: ReadonlySet<string>;
  readonly decoders: ReadonlySet<string>;
  readonly encoders: ReadonlySet<string>;
}

/** What of a lens decides what ffmpeg has to be able to do. */
export interface AskedInput {
  readonly lens: string;
  readonly url: string;
  /** Whether options have to be given to it out of sight, beside a URL with a password. */
  readonly hasHiddenOptions: boolean;
}

const DEBIAN = 'Debian’s own has it: apt install ffmpeg, and leave out "ffmpeg" in the configuration.';

/** Options beside a hidden URL are lines of a concat script, which ffmpeg reads from this version on. */
const HIDDEN_OPTIONS_FROM = 5;

/** Holds what ffmpeg can do against what recording, the lenses and snapshots need. */
export function judgeAbilities(can: Abilities, inputs: readonly AskedInput[]): Diagnosis[] {
  const findings: Diagnosis[] = [];
  if (!can.muxers.has('mp4')) findings.push(failed('ffmpeg cannot write MP4', DEBIAN));
  for (const { lens, url, hasHiddenOptions } of inputs) {
    const lacking = needsOf(url).find(({ kind, name }) => !can[kind].has(name));
    if (lacking) {
      const what = `ffmpeg has no ${lacking.kind.slice(0, -1)} "${lacking.name}", which the lens ${lens} needs`;
      findings.push(failed(what, DEBIAN));
    }
    const major = majorOf(can.version);
    if (hasHiddenOptions && major !== undefined && major < HIDDEN_OPTIONS_FROM)
      findings.push(
        failed(
          `the lens ${lens} has input options beside a password, for which ffmpeg ${can.version} is too old`,
          `Use ffmpeg ${HIDDEN_OPTIONS_FROM}.0 or newer, or leave out input.options.`,
        ),
      );
  }
  if (!can.encoders.has('aac'))
    findings.push(warning('ffmpeg cannot encode AAC: sound that MP4 cannot carry will fail', DEBIAN));
  const pictures = ['h264', 'hevc'].filter((codec) => !can.decoders.has(codec));
  if (pictures.length > 0 || !can.encoders.has('mjpeg'))
    findings.push(
      warning(`ffmpeg cannot make snapshots of ${pictures.join(' and ') || 'any video'}`, DEBIAN),
    );
  const summary = `ffmpeg ${can.version} has all that the ${inputs.length === 1 ? 'lens needs' : 'lenses need'}`;
  return findings.length > 0 ? findings : [ok(summary)];
}

type Need = { readonly kind: 'protocols' | 'demuxers' | 'encoders'; readonly name: string };

function needsOf(url: string): Need[] {
  const scheme = /^([a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
    case 'file':
      return [{ kind: 'protocols', name: 'file' }];
    case 'test':
      return [
        { kind: 'demuxers', name: 'lavfi' },
        { kind: 'encoders', name: 'libx264' },
      ];
    case 'rtsp':
      return [{ kind: 'demuxers', name: 'rtsp' }];
    case 'rtsps':
      return [
        { kind: 'demuxers', name: 'rtsp' },
        { kind: 'protocols', name: 'tls' },
      ];
    case 'v4l2':
      return [{ kind: 'demuxers', name: 'v4l2' }];
    default:
      return [{ kind: 'protocols', name: scheme }];
  }
}

/** Undefined for a build that names itself by a commit. */
function majorOf(version: string): number | undefined {
  const major = /^n?(\d+)\./.exec(version)?.[1];
  return major === undefined ? undefined : Number(major);
}
