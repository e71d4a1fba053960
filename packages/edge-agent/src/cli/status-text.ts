import { formatTable } from '@gapless/shared/cli';
import { formatDuration } from '@gapless/shared/time';
import type { StatusReply } from '../control/index.js';

const BAR_WIDTH = 16;

/** The state of the agent for people: a screenful of 80 columns, the most urgent first. */
export function statusText(status: StatusReply): string {
  return [
    `${status.vehicle}, agent ${status.version}, up for ${spanUntilNow(status, status.started)}`,
    '',
    lensTable(status),
    ...labelled('why', whyLines(status)),
    ...labelled('forecast', forecastLines(status)),
    ...labelled('disk', diskLines(status.disk)),
    ...labelled('protected', [protectedText(status.protections)]),
    ...labelled('link', linkLines(status)),
    ...labelled('catalogue', [catalogueText(status)]),
    ...labelled('transfers', transferLines(status)),
  ].join('\n');
}

/** Lines behind one label, which stands in front of the first. */
function labelled(label: string, lines: readonly string[]): string[] {
  return lines.map((line, i) => `${(i === 0 ? label : '').padEnd(10)} ${line}`);
}

function lensTable(status: StatusReply): string {
  return formatTable(
    [
      { title: 'LENS', value: (one) => one.lens },
      { title: 'STATE', value: (one) => one.state },
      { title: 'FOR', value: (one) => spanUntilNow(status, one.since), align: 'right' },
      { title: 'LIVE', value: (one) => one.live },
      { title: 'RUN/SEGMENT', value: (one) => one.open && shortId(one.open.id) },
      { title: 'SIZE', value: (one) => one.open && megabytes(one.open.bytes), align: 'right' },
    ],
    status.lenses,
  );
}

/** A run is known by its last six letters; lens and start are long, and the run's age stands beside it. */
function shortId(segment: string): string {
  const [, run, seq] = segment.split('/');
  return `${run?.split('-')[1]}/${seq}`;
}

function whyLines({ lenses }: StatusReply): string[] {
  return lenses.flatMap(({ lens, detail }) => (detail === undefined ? [] : [`${lens}: ${detail}`]));
}

/** The lens that loses footage first; then the others. */
function forecastLines({ now, lenses }: StatusReply): string[] {
  const atRisk = lenses.flatMap(({ lens, overwriteEta }) =>
    overwriteEta === undefined ? [] : [{ lens, leftMs: Date.parse(overwriteEta) - Date.parse(now) }],
  );
  if (atRisk.length === 0) return ['no footage that central does not have is at risk'];
  return atRisk
    .sort((a, b) => a.leftMs - b.leftMs)
    .map(({ lens, leftMs }) =>
      leftMs <= 0
        ? `${lens} is losing footage that central does not have`
        : `${lens} loses footage that central does not have in ${formatDuration(leftMs)}`,
    );
}

function diskLines(disk: StatusReply['disk']): string[] {
  const { usedBytes, freeBytes, maxBytes, minFreeBytes, maxAgeMs, whenFull } = disk;
  const limits = [
    ...(maxBytes === undefined ? [] : [`at most ${gigabytes(maxBytes)}`]),
    `${gigabytes(minFreeBytes)} stay free`,
    ...(maxAgeMs === undefined ? [] : [`kept for ${formatDuration(maxAgeMs)}`]),
    whenFull === 'evict-oldest' ? 'the oldest goes when full' : 'recording stops when full',
  ];
  return [`${gigabytes(usedBytes)} of recordings, ${gigabytes(freeBytes)} free`, limits.join(', ')];
}

const SHARE_WARNINGS = {
  ample: '',
  near: ': nearly all; take back what is not needed',
  full: ': nothing more can be protected',
};

function protectedText({ protectedBytes, maxBytes, state }: StatusReply['protections']): string {
  return `${gigabytes(protectedBytes)} of at most ${gigabytes(maxBytes)}${SHARE_WARNINGS[state]}`;
}

function linkLines(status: StatusReply): string[] {
  const { state, central, since, error, nextTryInMs } = status.link;
  switch (state) {
    case 'none':
      return ['no central is configured: recording only'];
    case 'not-enrolled':
      return [`not enrolled at ${central}: recording only`, 'see gapless-edge enroll --help'];
    case 'open':
      return [`open to ${central} for ${spanUntilNow(status, since)}`];
    case 'connecting': {
      const next = nextTryInMs === undefined ? '' : `; next try in ${formatDuration(nextTryInMs)}`;
      const why = error ? [error.message, ...(error.hint === undefined ? [] : [error.hint])] : [];
      return [`none to ${central} for ${spanUntilNow(status, since)}${next}`, ...why];
    }
  }
}

function catalogueText({ catalogue: { changes, told }, link }: StatusReply): string {
  if (link.state === 'none' || told === undefined) return `${changes} changes`;
  const left = changes - told;
  return left <= 0 ? 'central knows all of it' : `central knows all but the last ${left} changes`;
}

function transferLines({ transfers }: StatusReply): string[] {
  if (transfers.length === 0) return ['none'];
  return transfers.map(({ segment, state, bytes, sentBytes }) => {
    const [lens] = segment.split('/');
    const amount = bytes === undefined ? state : `${megabytes(sentBytes)} of ${megabytes(bytes)}, ${state}`;
    return `${bar(bytes === undefined ? 0 : sentBytes / bytes)} ${lens} ${shortId(segment)}  ${amount}`;
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
  return bytes < 1e9 ? megabytes(bytes) : `${(bytes / 1e9).toFixed(1)} GB`;
}
