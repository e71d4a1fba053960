import { isCancelled, toAppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { Clock, DurationMs } from '@gapless/shared/time';
import { SECOND_MS, sleep } from '@gapless/shared/time';
import type { DataLayout } from '../store/layout.js';
import type { StoredObject } from '../store/objects.js';
import type { StoreReader } from '../store/store.js';
import { checkFile } from './check-files.js';
import { checkLens } from './check-lens.js';
import type { Measured, ObjectFacts } from './check-objects.js';
import { checkMeasured, checkObject, factsOf } from './check-objects.js';
import { footageFiles } from './files.js';
import type { Finding } from './finding.js';

export interface CheckPort {
  readonly catalogue: {
    /** Runs `read` on one state of the catalogue, whatever is written meanwhile. */
    snapshot<T>(read: (tables: StoreReader) => T): T;
    damage(): readonly string[];
  };
  readonly layout: DataLayout;
  readonly inboxDir: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Reads a file and proves it; throws `data-loss` saying what is wrong. Undefined when data are not to be read. */
  readonly prove: ((object: StoredObject, file: string, vehicleId: number) => Promise<Measured>) | undefined;
  readonly onProgress: (objects: number) => void;
}

export interface Report {
  readonly findings: readonly Finding[];
  readonly checked: {
    readonly objects: number;
    readonly lenses: number;
    readonly files: number;
    readonly bytes: number;
  };
}

/** Something that is looked at on its own, and again if anything was found: central may be in the middle of it. */
type Probe = () => Promise<Finding[]>;

/** What was in motion has settled by then. */
const AGAIN_MS: DurationMs = 3 * SECOND_MS;

const PAGE = 200;

/**
 * Holds the catalogue against itself and against the disk; `docs/design/store.md` lists what must hold. Changes nothing,
 * and works beside a central that runs: what is found is looked at once more after a moment.
 *
 * @throws DATABASE_*, STORAGE_*, the signal's reason
 */
export async function checkStore(port: CheckPort): Promise<Report> {
  const check = new StoreCheck(port);
  await check.run();
  return { findings: await check.confirmed(), checked: check.checked };
}

class StoreCheck {
  readonly checked = { objects: 0, lenses: 0, files: 0, bytes: 0 };
  readonly #port: CheckPort;
  readonly #suspects: Probe[] = [];

  constructor(port: CheckPort) {
    this.#port = port;
  }

  async run(): Promise<void> {
    const { catalogue, layout, inboxDir, onProgress, signal } = this.#port;
    await this.#probe(async () => this.#damage());
    for (let afterId = 0; ;) {
      const page = catalogue.snapshot((tables) => tables.objects.after(afterId, PAGE).map(({ id }) => id));
      for (const id of page) {
        signal.throwIfAborted();
        await this.#probe(() => this.#object(id));
      }
      const last = page.at(-1);
      if (last === undefined) break;
      afterId = last;
      this.checked.objects += page.length;
      onProgress(this.checked.objects);
    }
    for (const { id } of catalogue.snapshot((tables) => tables.lenses.all())) {
      this.checked.lenses++;
      await this.#probe(async () => this.#lens(id));
    }
    await this.#probe(async () => this.#rows());
    await this.#probe(() => this.#quarantine());
    for await (const file of footageFiles({ dataDir: layout.dataDir, inboxDir })) {
      signal.throwIfAborted();
      this.checked.files++;
      await this.#probe(async () =>
        (await this.#port.disk.sizeBytes(file.path)) === undefined
          ? []
          : catalogue.snapshot((tables) => checkFile(tables, file)),
      );
    }
  }

  /** What is still found after a moment. */
  async confirmed(): Promise<Finding[]> {
    if (this.#suspects.length === 0) return [];
    await sleep(this.#port.clock, AGAIN_MS, this.#port.signal);
    const findings: Finding[] = [];
    for (const probe of this.#suspects) findings.push(...(await probe()));
    return findings;
  }

  async #probe(probe: Probe): Promise<void> {
    if ((await probe()).length > 0) this.#suspects.push(probe);
  }

  #damage(): Finding[] {
    return this.#port.catalogue
      .damage()
      .map((message) => ({ invariant: 13, subject: 'central.sqlite', message, repair: undefined }));
  }

  async #object(id: number): Promise<Finding[]> {
    const { catalogue, layout, disk } = this.#port;
    const facts = catalogue.snapshot((tables) => {
      const object = tables.objects.byId(id);
      return object && factsOf(tables, layout, object);
    });
    if (!facts) return []; // given up meanwhile
    const findings = checkObject(facts, await disk.sizeBytes(facts.file));
    return findings.length > 0 ? findings : this.#data(facts);
  }

  async #data(facts: ObjectFacts): Promise<Finding[]> {
    const { catalogue, prove } = this.#port;
    const { object, subject, file } = facts;
    if (!prove || object.state !== 'verified') return [];
    const vehicleId = catalogue.snapshot((tables) => tables.lenses.byId(object.lensId)!.vehicleId);
    try {
      const measured = await prove(object, file, vehicleId);
      this.checked.bytes += object.expected!.sizeBytes;
      return checkMeasured(facts, measured);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (isCancelled(error)) throw error;
      const repair =
        error.kind === 'data-loss' ? ({ kind: 'object', objectId: object.id } as const) : undefined;
      return [{ invariant: 2, subject, message: `${file}: ${error.message}`, repair }];
    }
  }

  #lens(id: number): Finding[] {
    return this.#port.catalogue.snapshot((tables) => {
      const lens = tables.lenses.byId(id);
      return lens ? checkLens(tables, lens) : [];
    });
  }

  /** Invariants 8 and 9. */
  #rows(): Finding[] {
    return this.#port.catalogue.snapshot(({ upkeep }) => [
      ...upkeep.strayTransfers().map(({ id, why }): Finding => ({
        invariant: 8,
        subject: id,
        message: `the transfer ${why}`,
        repair: { kind: 'transfer', transferId: id },
      })),
      ...upkeep.strayReceipts().map(({ id, why }): Finding => ({
        invariant: 9,
        subject: `object ${id}`,
        message: `it ${why}`,
        repair: { kind: 'receipt', objectId: Number(id) },
      })),
    ]);
  }

  /** Invariant 10. */
  async #quarantine(): Promise<Finding[]> {
    const { catalogue, layout, disk } = this.#port;
    const findings: Finding[] = [];
    for (let afterId = 0; ;) {
      const page = catalogue.snapshot(({ upkeep }) => upkeep.quarantined(afterId, PAGE));
      for (const { id, path } of page) {
        if ((await disk.sizeBytes(layout.quarantine(path))) !== undefined) continue;
        const repair = { kind: 'quarantine-row', id } as const;
        findings.push({ invariant: 10, subject: path, message: 'its file is gone', repair });
      }
      const last = page.at(-1);
      if (!last) return findings;
      afterId = last.id;
    }
  }
}
