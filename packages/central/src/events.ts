import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

/** Central's metrics. Labels are vehicles and closed lists, never ids of requests or segments. */
export class CentralMetrics {
  readonly registry = new Registry();

  readonly segmentsVerified = new Counter({
    name: 'gapless_segments_verified_total',
    help: 'Segments that were proven and merged',
    registers: [this.registry],
  });
  readonly segmentsQuarantined = new Counter({
    name: 'gapless_segments_quarantined_total',
    help: 'Segments that were not what the vehicle said',
    labelNames: ['code'] as const,
    registers: [this.registry],
  });
  readonly liveBytes = new Counter({
    name: 'gapless_live_bytes_total',
    help: 'Live media bytes taken in',
    registers: [this.registry],
  });
  readonly fetchedBytes = new Counter({
    name: 'gapless_completion_bytes_total',
    help: 'Media bytes that came by completion',
    registers: [this.registry],
  });

  readonly footageLost = new Counter({
    name: 'gapless_footage_lost_seconds_total',
    help: 'Footage that vehicles deleted before it was verified here',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });

  constructor(facts: { version: string; connected: () => number; quarantined: () => number }) {
    collectDefaultMetrics({ register: this.registry, prefix: 'gapless_' });
    new Gauge({
      name: 'gapless_build_info',
      help: 'Always 1',
      labelNames: ['version'] as const,
      registers: [this.registry],
    }).set({ version: facts.version }, 1);
    new Gauge({
      name: 'gapless_edge_connected',
      help: 'Vehicles that are connected',
      registers: [this.registry],
      collect() {
        this.set(facts.connected());
      },
    });
    new Gauge({
      name: 'gapless_quarantine_files',
      help: 'Files in quarantine',
      registers: [this.registry],
      collect() {
        this.set(facts.quarantined());
      },
    });
  }
}
