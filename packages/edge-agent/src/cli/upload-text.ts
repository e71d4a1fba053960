import { formatTable } from '@gapless/shared/cli';
import { formatDuration } from '@gapless/shared/time';
import type { UploadReply } from '../control/index.js';

type Item = UploadReply['items'][number];

/** An upload for people: where to, how it stands, and each of its items. */
export function uploadText(upload: UploadReply, nowMs: number): string {
  const { id, state, destination, made, ended, reason, items } = upload;
  const tookMs = (ended === undefined ? nowMs : Date.parse(ended)) - Date.parse(made);
  const why = reason ? `: ${reason.message}` : '';
  const table = formatTable<Item>(
    [
      { title: 'STATE', value: (item) => item.state },
      {
        title: 'SIZE',
        value: ({ bytes }) => (bytes === undefined ? undefined : megabytes(bytes)),
        align: 'right',
      },
      { title: 'WHAT', value: (item) => item.name },
      { title: 'WHERE, OR WHY NOT', value: (item) => item.reason?.message ?? item.path },
    ],
    items,
  );
  return `${id}  ${state}${why}\n${destination}  ${formatDuration(tookMs)}\n\n${table}`;
}

/** Uploads for people, one a line. */
export function uploadsText(uploads: readonly UploadReply[]): string {
  return formatTable<UploadReply>(
    [
      { title: 'UPLOAD', value: ({ id }) => id },
      { title: 'MADE', value: ({ made }) => made },
      { title: 'STATE', value: ({ state }) => state },
      {
        title: 'PROVEN',
        value: ({ items }) =>
          `${items.filter(({ state }) => state === 'verified').length} of ${items.length}`,
        align: 'right',
      },
      { title: 'SENT', value: ({ items }) => sentText(items), align: 'right' },
      { title: 'TO', value: ({ destination }) => destination },
      { title: 'WHY', value: ({ reason }) => reason?.message },
    ],
    uploads,
  );
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function sentText(items: readonly Item[]): string {
  const bytesOf = ({ state, bytes = 0, doneBytes }: Item): number =>
    state === 'sending' ? doneBytes : state === 'proving' || state === 'verified' ? bytes : 0;
  return megabytes(items.reduce((total, item) => total + bytesOf(item), 0));
}
