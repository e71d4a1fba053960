import { formatUtc } from '@gapless/shared/time';
import { RangeSet } from '@gapless/shared/interval';
import type { CoverageLayer } from '../store/coverage.js';
import { coverageLayers } from '../store/coverage.js';
import type { Lens } from '../store/lenses.js';
import { coverageOfObject } from '../store/objects.js';
import type { StoreReader } from '../store/store.js';
import type { StoredRange } from '../store/upkeep.js';
import type { Finding } from './finding.js';

/** Objects that are read at once. */
const PAGE = 500;

/** Holds the coverage of a lens against its objects. Invariants 4, 5, 6 and 11. Costs one pass over its objects. */
export function checkLens(tables: StoreReader, lens: Lens): Finding[] {
  const rows = tables.upkeep.ranges(lens.id);
  const layers = layersOf(rows);
  const verified = (layers.get('live') ?? RangeSet.empty).union(layers.get('fetched') ?? RangeSet.empty);
  return [
    ...checkForm(lens, rows),
    ...checkCovered(lens, verified, measuredOf(tables, lens, verified)),
    ...checkExpired(lens, verified, layers.get('expired') ?? RangeSet.empty),
    ...checkCount(tables, lens),
  ];
}

/**
 * What the verified objects of a lens cover, by what was measured of each. One that nobody measured is taken at the word
 * of the layers inside its extent.
 */
export function measuredOf(tables: StoreReader, lens: Lens, verified: RangeSet): RangeSet {
  let measured = RangeSet.empty;
  let page = tables.objects.verifiedAfter(lens.id, undefined, PAGE);
  for (; page.length > 0; page = tables.objects.verifiedAfter(lens.id, page.at(-1), PAGE)) {
    const ranges = page.flatMap((object) =>
      object.holes === undefined ? [...verified.within(object)] : [...coverageOfObject(object)],
    );
    measured = measured.union(RangeSet.from(ranges));
  }
  return measured;
}

/** The layers as sets, whatever form their rows are in. */
export function layersOf(rows: readonly StoredRange[]): Map<string, RangeSet> {
  const byLayer = new Map<string, StoredRange[]>();
  for (const row of rows) byLayer.set(row.layer, [...(byLayer.get(row.layer) ?? []), row]);
  return new Map([...byLayer].map(([layer, ranges]) => [layer, RangeSet.from(ranges)]));
}

function checkForm(lens: Lens, rows: readonly StoredRange[]): Finding[] {
  const wrong = new Map<string, string>();
  let former: StoredRange | undefined;
  for (const row of rows) {
    if (!coverageLayers.includes(row.layer as CoverageLayer))
      wrong.set(row.layer, 'is not one that is known');
    else if (former?.layer === row.layer && row.startMs <= former.endMs)
      wrong.set(row.layer, `has ranges that meet at ${formatUtc(row.startMs)}`);
    former = row;
  }
  return [...wrong].map(([layer, message]) => ({
    invariant: 5,
    subject: lens.path,
    message: `its layer ${layer} ${message}`,
    repair: { kind: 'layer', lensId: lens.id, layer },
  }));
}

function checkCovered(lens: Lens, verified: RangeSet, measured: RangeSet): Finding[] {
  const repair = { kind: 'coverage', lensId: lens.id } as const;
  const findings: Finding[] = [];
  const claimed = verified.subtract(measured);
  const forgotten = measured.subtract(verified);
  if (!claimed.isEmpty) {
    const message = `its coverage claims what no object shows: ${shown(claimed)}`;
    findings.push({ invariant: 4, subject: lens.path, message, repair });
  }
  if (!forgotten.isEmpty) {
    const message = `its coverage does not know what its objects show: ${shown(forgotten)}`;
    findings.push({ invariant: 4, subject: lens.path, message, repair });
  }
  return findings;
}

function checkExpired(lens: Lens, verified: RangeSet, expired: RangeSet): Finding[] {
  const both = verified.intersect(expired);
  if (both.isEmpty) return [];
  const message = `it was given up and is verified all the same: ${shown(both)}`;
  return [{ invariant: 6, subject: lens.path, message, repair: { kind: 'coverage', lensId: lens.id } }];
}

function checkCount(tables: StoreReader, lens: Lens): Finding[] {
  const found = tables.upkeep.storedBytes(lens.id);
  if (found === lens.storedBytes) return [];
  const message = `it counts ${lens.storedBytes} bytes, its objects have ${found}`;
  return [{ invariant: 11, subject: lens.path, message, repair: { kind: 'count', lensId: lens.id } }];
}

/** The first of the ranges, and how much there is in all. */
function shown(ranges: RangeSet): string {
  const { startMs, endMs } = ranges.ranges[0]!;
  return `${formatUtc(startMs)} to ${formatUtc(endMs)}, ${ranges.totalMs} ms in ${ranges.ranges.length} ranges`;
}
