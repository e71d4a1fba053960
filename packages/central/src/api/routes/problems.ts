import type { Routes } from '@gapless/shared/http';
import { anchorOf, PROBLEMS_PATH } from '@gapless/shared/http';
import type { ErrorCode } from '@gapless/shared/errors';
import { errorCatalogue, errorKinds } from '@gapless/shared/errors';

/** The page that the type of a problem leads to: every code, what it means and what may be done about it. */
export function problemRoutes(routes: Routes): void {
  const page = pageOf(Object.keys(errorCatalogue).sort() as ErrorCode[]);
  routes.get(PROBLEMS_PATH, { config: { access: 'open' }, schema: { hide: true } }, (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(page),
  );
}

function pageOf(codes: readonly ErrorCode[]): string {
  const entries = codes.map((code) => {
    const [kind, meaning] = errorCatalogue[code];
    const again = errorKinds[kind].retryable
      ? 'The same again later may succeed.'
      : 'The same again will not succeed.';
    return `<dt id="${anchorOf(code)}"><code>${code}</code></dt><dd>${escape(meaning)} <i>${kind}</i>. ${again}</dd>`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Problems</title><h1>Problems</h1><dl>${entries.join('\n')}</dl></html>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
