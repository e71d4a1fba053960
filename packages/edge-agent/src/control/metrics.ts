import type { LensStatus } from '@gapless/shared/protocol';
import { SECOND_MS } from '@gapless/shared/time';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { AgentFacts } from './status.js';

const PREFIX = 'gapless_edge_';
const LENS_STATES: readonly LensStatus['state'][] = ['recording', 'no-signal', 'paused', 'stopped'];
const TRANSFER_STATES = ['reading', 'offered', 'sending'] as const;

/** The agent's metrics. Labels are the configured lenses and closed lists, never ids of runs, segments or holders. */
export class EdgeMetrics {
  readonly #registry = new Registry();

  readonly #lensState = this.#gauge('lens_state', '1 for the state that the lens is in', ['lens', 'state']);
  readonly #bytes = this.#counter('recorded_bytes_total', 'Media bytes recorded', ['lens']);
  readonly #fragments = this.#counter('recorded_fragments_total', 'Fragments recorded', ['lens']);
  readonly #runEnds = this.#counter('run_ends_total', 'Runs that ended, by reason', ['lens', 'reason']);
  readonly #overwrite = this.#gauge(
    'overwrite_timestamp_seconds',
    'When footage that central does not have will have to be evicted; absent when none will be',
    ['lens'],
  );
  readonly #recordings = this.#gauge('recordings_bytes', 'Bytes of closed segments');
  readonly #free = this.#gauge('disk_free_bytes', 'Free bytes of the file system of the recordings');
  readonly #protected = this.#gauge('protected_bytes', 'Bytes of segments that are protected');
  readonly #protectable = this.#gauge('protected_max_bytes', 'Bytes that may be protected');
  readonly #evictedSegments = this.#counter('evicted_segments_total', 'Segments evicted', ['receipted']);
  readonly #evictedBytes = this.#counter('evicted_bytes_total', 'Bytes evicted', ['receipted']);
  readonly #link = this.#gauge('link_open', 'Whether the link to central is open');
  readonly #untold = this.#gauge('catalogue_untold_changes', 'Changes that central does not know of');
  readonly #transfers = this.#gauge('transfers', 'Transfers under way', ['state']);
  readonly #left = this.#gauge('transfer_left_bytes', 'Bytes that transfers under way have still to send');

  constructor(version: string) {
    collectDefaultMetrics({ register: this.#registry, prefix: PREFIX });
    this.#gauge('build_info', 'Always 1', ['version']).set({ version }, 1);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The metrics in the text format of Prometheus. */
  text(facts: AgentFacts): Promise<string> {
    this.#ofLenses(facts);
    this.#ofStorage(facts);
    this.#ofLink(facts);
    return this.#registry.metrics();
  }

  #ofLenses({ lenses }: AgentFacts): void {
    for (const metric of [this.#lensState, this.#bytes, this.#fragments, this.#runEnds, this.#overwrite])
      metric.reset();
    for (const { lens, state, recorded, runEnds, overwriteEtaMs } of lenses) {
      for (const one of LENS_STATES) this.#lensState.set({ lens, state: one }, one === state ? 1 : 0);
      this.#bytes.inc({ lens }, recorded.bytes);
      this.#fragments.inc({ lens }, recorded.fragments);
      for (const [reason, count] of runEnds) this.#runEnds.inc({ lens, reason }, count);
      if (overwriteEtaMs !== undefined) this.#overwrite.set({ lens }, overwriteEtaMs / SECOND_MS);
    }
  }

  #ofStorage({ disk, protections, evicted }: AgentFacts): void {
    this.#recordings.set(disk.usedBytes);
    this.#free.set(disk.freeBytes);
    this.#protected.set(protections.protectedBytes);
    this.#protectable.set(protections.maxBytes);
    const { segments, bytes, lostSegments, lostBytes } = evicted;
    this.#evictedSegments.reset();
    this.#evictedSegments.inc({ receipted: 'true' }, segments - lostSegments);
    this.#evictedSegments.inc({ receipted: 'false' }, lostSegments);
    this.#evictedBytes.reset();
    this.#evictedBytes.inc({ receipted: 'true' }, bytes - lostBytes);
    this.#evictedBytes.inc({ receipted: 'false' }, lostBytes);
  }

  #ofLink({ link, catalogue, transfers }: AgentFacts): void {
    this.#link.set(link?.isOpen === true ? 1 : 0);
    this.#untold.set(catalogue.toldSeq === undefined ? 0 : catalogue.changeSeq - catalogue.toldSeq);
    for (const state of TRANSFER_STATES)
      this.#transfers.set({ state }, transfers.filter((one) => one.state === state).length);
    this.#left.set(
      transfers.reduce((sum, { sizeBytes = 0, ackedBytes }) => sum + Math.max(0, sizeBytes - ackedBytes), 0),
    );
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Gauge<Label> {
    return new Gauge({ name: PREFIX + name, help, labelNames, registers: [this.#registry] });
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.#registry] });
  }
}
