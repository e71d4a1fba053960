/** One quantity, of Gapless and of what stands beside it, with the aim if it has one. */
export interface Row {
  readonly measure: string;
  readonly unit: string;
  /** `undefined` when it could not be had. */
  readonly gapless: number | undefined;
  readonly beside?: readonly { readonly name: string; readonly value: number | undefined }[];
  readonly aim?: { readonly atMost: number } | { readonly atLeast: number };
  readonly note?: string;
}

/** What one benchmark found. */
export interface Report {
  /** What was done, in a sentence. */
  readonly setting: string;
  readonly rows: readonly Row[];
  /** What could not be measured here, and why. */
  readonly skipped?: readonly string[];
}

const COLUMNS = ['measure', 'Gapless', 'beside it', 'ratio', 'aim', ''] as const;

/** Prints a report: for people, or with `--json` as one line for programs. A missed aim is a finding, not a failure. */
export function print(name: string, report: Report): void {
  if (process.argv.includes('--json')) {
    const rows = report.rows.map((row) => ({ ...row, verdict: verdictOf(row) }));
    process.stdout.write(`${JSON.stringify({ bench: name, ...report, rows })}\n`);
    return;
  }
  const lines = [[...COLUMNS], ...report.rows.flatMap(linesOf)];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const table = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  const notes = report.rows.flatMap(({ measure, note }) => (note ? [`${measure}: ${note}`] : []));
  const skipped = (report.skipped ?? []).map((reason) => `skipped: ${reason}`);
  process.stdout.write(`${[report.setting, '', ...table, '', ...notes, ...skipped].join('\n').trimEnd()}\n`);
}

function linesOf(row: Row): string[][] {
  const { measure, unit, gapless, beside = [] } = row;
  const peers = beside.map(
    ({ name, value }) => [`${name} ${shown(value, unit)}`, ratio(gapless, value)] as const,
  );
  const [first = ['', ''] as const, ...others] = peers;
  return [
    [measure, shown(gapless, unit), ...first, aimOf(row), verdictOf(row)],
    ...others.map((peer) => ['', '', ...peer, '', '']),
  ];
}

function shown(value: number | undefined, unit: string): string {
  if (value === undefined || Number.isNaN(value)) return 'none';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)}${unit === '' ? '' : ` ${unit}`}`;
}

function ratio(own: number | undefined, other: number | undefined): string {
  return own === undefined || !other ? '' : (own / other).toFixed(2);
}

function aimOf({ aim, unit }: Row): string {
  if (!aim) return '';
  return 'atMost' in aim ? `≤ ${shown(aim.atMost, unit)}` : `≥ ${shown(aim.atLeast, unit)}`;
}

function verdictOf({ aim, gapless }: Row): '' | 'met' | 'missed' {
  if (!aim) return '';
  if (gapless === undefined) return 'missed';
  return ('atMost' in aim ? gapless <= aim.atMost : gapless >= aim.atLeast) ? 'met' : 'missed';
}
