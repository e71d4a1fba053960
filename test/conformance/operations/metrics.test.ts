import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { parseLensName } from '@gapless/shared/ids';
import { createLog } from '@gapless/shared/log';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentFacts } from '../../../packages/edge-agent/src/control/index.js';
import { MetricsServer } from '../../../packages/edge-agent/src/control/index.js';

const NOW_MS = Date.UTC(2026, 7, 22, 16);
const facts: AgentFacts = {
  ...{ vehicle: 'bus-042', version: '1.2.3', startedMs: NOW_MS, transfers: [] },
  lenses: [
    {
      ...{ lens: parseLensName('front'), state: 'recording', live: 'push', sinceMs: NOW_MS, asOfMs: NOW_MS },
      ...{ openBytes: 0, recorded: { fragments: 7, bytes: 900 }, overwriteEtaMs: NOW_MS + 1_500 },
      runEnds: new Map([
        ['stalled', 2],
        ['crashed', 1],
      ]),
    },
  ],
  disk: {
    ...{ dir: '/recordings', usedBytes: 5e9, freeBytes: 6e9, maxBytes: undefined, minFreeBytes: 1e9 },
    ...{ maxAgeMs: undefined, whenFull: 'evict-oldest' },
  },
  link: { url: 'wss://central.example', isEnrolled: true, isOpen: true },
  catalogue: { changeSeq: 120, toldSeq: 115 },
  protections: { protectedBytes: 4e8, maxBytes: 5e8, share: 'near' },
  evicted: { segments: 12, bytes: 600, lostSegments: 2, lostBytes: 100 },
};

describe("the agent's metrics", () => {
  let told: AgentFacts = facts;
  let server: MetricsServer;
  const port = { version: '1.2.3', log: createLog('test', 'silent'), status: () => Promise.resolve(told) };
  beforeAll(async () => {
    server = await MetricsServer.start(port, { host: '127.0.0.1', port: 0 });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const read = async (): Promise<string> => (await fetch(server.url)).text();

  it('are what the agent says of itself, in the text format of Prometheus', async () => {
    const reply = await fetch(server.url);
    expect(reply.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const lines = (await reply.text()).split('\n');
    for (const line of [
      'gapless_edge_build_info{version="1.2.3"} 1',
      'gapless_edge_lens_state{lens="front",state="recording"} 1',
      'gapless_edge_lens_state{lens="front",state="no-signal"} 0',
      'gapless_edge_recorded_bytes_total{lens="front"} 900',
      'gapless_edge_recorded_fragments_total{lens="front"} 7',
      'gapless_edge_run_ends_total{lens="front",reason="stalled"} 2',
      `gapless_edge_overwrite_timestamp_seconds{lens="front"} ${NOW_MS / 1_000 + 1.5}`,
      'gapless_edge_recordings_bytes 5000000000',
      'gapless_edge_disk_free_bytes 6000000000',
      'gapless_edge_protected_bytes 400000000',
      'gapless_edge_protected_max_bytes 500000000',
      'gapless_edge_evicted_segments_total{receipted="false"} 2',
      'gapless_edge_evicted_bytes_total{receipted="true"} 500',
      'gapless_edge_link_open 1',
      'gapless_edge_catalogue_untold_changes 5',
      'gapless_edge_transfers{state="sending"} 0',
    ])
      expect(lines).toContain(line);
    expect(lines.some((line) => /^gapless_edge_process_resident_memory_bytes \d+$/.test(line))).toBe(true);
  });

  it('count on from what they were, and forget a lens that is gone', async () => {
    await read();
    expect(await read()).toContain('gapless_edge_recorded_bytes_total{lens="front"} 900\n');
    told = { ...facts, lenses: [] };
    expect(await read()).not.toContain('lens="front"');
    told = facts;
  });

  it('are all that is answered there', async () => {
    expect((await fetch(server.url.replace('/metrics', '/v1/status'))).status).toBe(404);
    expect((await fetch(server.url, { method: 'POST' })).status).toBe(405);
  });

  it('say which address is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const taken = { host: '127.0.0.1', port: (other.address() as AddressInfo).port };
    await expect(MetricsServer.start(port, taken)).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: `cannot serve metrics on 127.0.0.1:${taken.port}: EADDRINUSE`,
    });
    await new Promise((resolve) => other.close(resolve));
  });
});
