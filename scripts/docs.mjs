// Writes the pages of docs/ that follow from the sources, so that they cannot drift from them; with --check it only says
// which ones have. Runs on the compiled packages.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, main, root, say } from './lib.mjs';
import { CompileFailure, setup } from './setup.mjs';

/**
 * `docs/errors.md`: every code with its kind and meaning, and what each kind means for a caller.
 *
 * @param {Record<string, readonly [string, string]>} catalogue
 * @param {Record<string, { retryable: boolean, httpStatus: number, exitCode: number }>} kinds
 */
export function errorsPage(catalogue, kinds) {
  const kindRows = Object.entries(kinds).map(([kind, { retryable, httpStatus, exitCode }]) => [
    `\`${kind}\``,
    retryable ? 'yes' : 'no',
    httpStatus,
    exitCode,
  ]);
  const codeRows = Object.entries(catalogue)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, [kind, meaning]]) => [`\`${code}\``, `\`${kind}\``, meaning]);
  return format(`# Errors

Every error has a code, which never changes its meaning, and a kind, which says what a caller can do about it. A message
says what was wrong and where; a hint, where there is one, says what to do. In HTTP replies they are the members \`code\`,
\`kind\`, \`detail\` and \`hint\` of an RFC 9457 problem; the command lines print them as \`error:\` and \`hint:\`, and with
\`--json\` as one object \`{"error":{"code","kind","message","hint","details"}}\` on standard error.

This page is made from the sources by \`node scripts/docs.mjs\`.

## Kinds

${table(['Kind', 'Trying again can help', 'HTTP status', 'Exit code'], kindRows)}

## Codes

${table(['Code', 'Kind', 'Meaning'], codeRows)}
`);
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** As `prettier` would, so that the format check and this script agree. */
async function format(markdown) {
  const { format, resolveConfig } = await import('prettier');
  const config = await resolveConfig(join(root, 'docs/errors.md'));
  return format(markdown, { ...config, parser: 'markdown' });
}

/**
 * `docs/config.md`: every key of both configuration files.
 *
 * @param {{ central: string, edge: string }} tables
 */
export function configPage({ central, edge }) {
  return format(`# Configuration

One YAML file for each daemon, every key optional where a good default exists. A key that is unknown or wrong is an error
that names the line and the remedy; \`gapless-edge config check\` says so without starting anything. Durations are written
\`10s\`, \`2m\`, \`30d\`, sizes \`200GB\` or \`512MiB\`, rates \`2Mbit/s\`.

This page is made from the sources by \`node scripts/docs.mjs\`.

## edge.yml

${edge}

## central.yml

${central}
`);
}

/** The generated pages and how each is made. */
const PAGES = {
  'docs/config.md': async () => {
    const { configReference } = await import('../packages/shared/dist/config/index.js');
    const { centralConfigSchema } = await import('../packages/central/dist/config.js');
    const { edgeConfigSchema } = await import('../packages/edge-agent/dist/config.js');
    return configPage({
      central: configReference(centralConfigSchema),
      edge: configReference(edgeConfigSchema),
    });
  },
  'docs/errors.md': async () => {
    const { errorCatalogue, errorKinds } = await import('../packages/shared/dist/errors/index.js');
    return errorsPage(errorCatalogue, errorKinds);
  },
};

await main(import.meta.url, async (args) => {
  await setup({ quiet: true }).catch((error) => {
    // The page of errors needs one package; that another does not compile is for others to say.
    if (!(error instanceof CompileFailure)) throw error;
  });
  const stale = [];
  for (const [page, make] of Object.entries(PAGES)) {
    const path = join(root, page);
    const wanted = await make();
    if (read(path) === wanted) continue;
    stale.push(page);
    if (!args.includes('--check')) writeFileSync(path, wanted);
  }
  if (stale.length === 0) return 0;
  if (args.includes('--check')) throw new Failure(`${stale.join(', ')} is stale. Run: node scripts/docs.mjs`);
  say(`wrote ${stale.join(', ')}`);
  return 0;
});

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
