import { formatTable } from '@gapless/shared/cli';
import { formatDuration } from '@gapless/shared/time';
import type { StatusReply } from '../control/index.js';

const BAR_WIDTH = 24;

/** The state of the agent for people: a screenful, the most urgent first. */
export function statusText(status: StatusReply): string {
  return [
    `${status.vehicle}, agent ${status.version}, up for ${spanUntilNow(status, status.started)}`,
    '',
    lensTable(status),
    `disk       ${diskText(status.disk)}`,
    `link       ${linkText(status)}`,
    `catalogue  ${catalogueText(status)}`,
    ...transferLines(status),
  ].join('\n');
}

function lensTable(status: StatusReply): string {
  return formatTable(
    [
      { title: 'LENS', value: (one) => one.lens },
      { title: 'STATE', value: (one) => one.state },
      { title: 'FOR', value: (one) => spanUntilNow(status, one.since), align: 'right' },
      { title: 'LIVE', value: (one) => one.live },
      { title: 'SEGMENT', value: (one) => one.open && `${one.open.id}  ${megabytes(one.open.bytes)}` },
      { title: 'WHY', value: (one) => one.detail },
    ],
    status.lenses,
  );
}

function diskText(disk: StatusReply['disk']): string {
  const { usedBytes, freeBytes, maxBytes, minFreeBytes, maxAgeMs, whenFull } = disk;
  const limits = [
    ...(maxBytes === undefined ? [] : [`at most ${gigabytes(maxBytes)}`]),
    `${gigabytes(minFreeBytes)} stay free`,
    ...(maxAgeMs === undefined ? [] : [`kept for ${formatDuration(maxAgeMs)}`]),
    whenFull === 'evict-oldest' ? 'the oldest goes when it is full' : 'recording stops when it is full',
  ];
  return `${gigabytes(usedBytes)} of recordings, ${gigabytes(freeBytes)} free (${limits.join(', ')})`;
}

function linkText(status: StatusReply): string {
  const { state, central, since, error, nextTryInMs } = status.link;
  switch (state) {
    case 'none':
      return 'no central is configured: recording only';
    case 'not-enrolled':
      return `not enrolled at ${central}: recording only; see gapless-edge enroll --help`;
    case 'open':
      return `open to ${central} for ${spanUntilNow(status, since)}`;
    case 'connecting': {
      const why = error ? `: ${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}` : '';
      const next = nextTryInMs === undefined ? '' : `; next try in ${formatDuration(nextTryInMs)}`;
      return `none to ${central} for ${spanUntilNow(status, since)}${why}${next}`;
    }
  }
}

function catalogueText({ catalogue: { changes, told }, link }: StatusReply): string {
  if (link.state === 'none' || told === undefined) return `${changes} changes`;
  const left = changes - told;
  return left <= 0 ? 'central knows all of it' : `central knows all but the last ${left} changes`;
}

function transferLines({ transfers }: StatusReply): string[] {
  if (transfers.length === 0) return ['transfers  none'];
  return transfers.map(({ segment, state, bytes, sentBytes }, i) => {
    const label = i === 0 ? 'transfers' : '';
    const amount = bytes === undefined ? state : `${megabytes(sentBytes)} of ${megabytes(bytes)}, ${state}`;
    return `${label.padEnd(10)} ${bar(bytes === undefined ? 0 : sentBytes / bytes)}  ${segment}  ${amount}`;
  });
}

function bar(ratio: number): string {
  const filled = Math.floor(Math.min(1, ratio) * BAR_WIDTH);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
}

function spanUntilNow({ now }: StatusReply, since: string | undefined): string {
  return since === undefined ? 'a moment' : formatDuration(Math.max(0, Date.parse(now) - Date.parse(since)));
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
