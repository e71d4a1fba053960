import { formatDuration } from '@gapless/shared/time';
import { exportedLens, lenses, otherVehicle, tunnelVehicle } from './cast.js';
import { FLEETING_MS } from './doubts.js';
import type { Line } from './drawing/line.js';
import { span } from './drawing/line.js';
import type { Outcome } from './outcome.js';
import type { Frames } from './proof.js';

const LABEL_WIDTH = 12;

/** The outcome for people. */
export function reportLines(outcome: Outcome, { keep }: { readonly keep: boolean }): Line[] {
  const { doubts, frames, playlistFrames } = outcome;
  const { name } = tunnelVehicle;
  return [
    [],
    doubts.length === 0
      ? [span(` The gap is filled: of ${name} no frame is lost, and none is doubled.`, 'green')]
      : [span(' This is no proof that the gap is filled.', 'red')],
    ...doubts.map((doubt) => [span(`   ${doubt}`, 'red')]),
    [],
    row(
      'gap',
      formatDuration(outcome.gapMs),
      `on each lens; the link was cut for ${formatDuration(outcome.tunnelMs)}`,
    ),
    row(
      'missing',
      megabytes(outcome.missingBytes),
      `${outcome.missingFragments} fragments that the vehicle recorded in the gap`,
    ),
    row('sent', megabytes(outcome.sentBytes), 'over SFTP, counted on the link, SSH included'),
    row('', '', `(${megabytes(outcome.payloadBytes)} of segment files, by central's record)`),
    row('healed', formatDuration(outcome.healMs), "from the link's return until the last of it was proven"),
    row(
      'frames',
      count(frames.expected),
      `${lostAndDoubled(frames)}: coded frames of ${lenses.length} lenses,`,
    ),
    row('', '', 'picture and sound, hashed at the cameras and at central'),
    row(
      'playlist',
      count(playlistFrames.expected),
      `${lostAndDoubled(playlistFrames)}: one lens, as a player reads it`,
    ),
    otherRow(outcome),
    [],
    field('MP4', outcome.mp4),
    field(
      '',
      `${exportedLens.path} across the gap, ${formatDuration(outcome.mp4Ms)}, decoded to its end; stays`,
    ),
    ...(keep
      ? [
          field('playlist', 'the same stretch, for any HLS player, without a token:'),
          [span(outcome.playlist)],
        ]
      : []),
    [],
  ];
}

function lostAndDoubled({ lost, doubled }: Frames): string {
  return `${count(lost)} lost, ${count(doubled)} doubled`;
}

function otherRow({ otherGapMs, otherLateMs }: Outcome): Line {
  const gap = otherGapMs < FLEETING_MS ? 'no gap' : formatDuration(otherGapMs);
  const late = otherLateMs === 0 ? '' : `; ${formatDuration(otherLateMs)} came late: a busy machine`;
  return row(otherVehicle.name, gap, `its link was never cut${late}`);
}

function row(label: string, value: string, words: string): Line {
  return [span(` ${label.padEnd(LABEL_WIDTH)}`, 'faint'), span(value.padEnd(10), 'bold'), span(words)];
}

function field(label: string, value: string): Line {
  return [span(` ${label.padEnd(LABEL_WIDTH)}`, 'faint'), span(value)];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

function count(frames: number): string {
  return frames.toLocaleString('en');
}

/** The outcome for programs: one line. */
export function reportJson(outcome: Outcome): string {
  const { gapMs, missingBytes, sentBytes, healMs, frames, timeline, mp4, playlist, doubts } = outcome;
  const { expected, lost, doubled } = frames;
  return JSON.stringify({
    gapMs,
    missingBytes,
    sentBytes,
    healMs,
    frames: { expected, lost, doubled },
    timeline,
    mp4,
    playlist,
    ok: doubts.length === 0,
  });
}
