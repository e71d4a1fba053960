import { AppError } from '@gapless/shared/errors';
import { parseLensName, parseRunId } from '@gapless/shared/ids';
import { formatUtc } from '@gapless/shared/time';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentFacts } from '../../../packages/edge-agent/src/control/index.js';
import { passing, Place } from '../../support/edge/recordings.js';
import type { Spoken } from './support/operated-place.js';
import { OperatedPlace } from './support/operated-place.js';

const NOW_MS = Date.UTC(2026, 7, 22, 16);
const run = parseRunId('20260822T155000000Z-3fa9c1');

const facts: AgentFacts = {
  vehicle: 'bus-042',
  version: '1.2.3',
  startedMs: NOW_MS - 3_600_000,
  lenses: [
    {
      lens: parseLensName('front'),
      state: 'recording',
      live: 'push',
      sinceMs: NOW_MS - 600_000,
      asOfMs: NOW_MS - 500,
      open: { run, seq: 7, startMs: NOW_MS - 4_500, endMs: NOW_MS - 500 },
      openBytes: 2_100_000,
      recorded: { fragments: 600, bytes: 300_000_000 },
      runEnds: new Map([['stalled', 2]]),
      overwriteEtaMs: NOW_MS + 11_520_000,
    },
    {
      lens: parseLensName('rear'),
      state: 'no-signal',
      detail: 'Connection refused\u001b[31m',
      live: 'off',
      sinceMs: NOW_MS - 65_000,
      asOfMs: NOW_MS,
      openBytes: 0,
      recorded: { fragments: 0, bytes: 0 },
      runEnds: new Map(),
    },
  ],
  disk: {
    dir: '/recordings',
    usedBytes: 12.3e9,
    freeBytes: 88e9,
    maxBytes: 200e9,
    minFreeBytes: 1e9,
    maxAgeMs: undefined,
    whenFull: 'evict-oldest',
  },
  link: {
    url: 'wss://central.example',
    isEnrolled: true,
    isOpen: false,
    lastedMs: 30_000,
    nextDialInMs: 1_500,
    lastError: new AppError('LINK_UNREACHABLE', 'central gave no answer within 5 s'),
  },
  catalogue: { changeSeq: 120, toldSeq: 115 },
  transfers: [
    {
      segment: { lens: parseLensName('front'), run, seq: 3 },
      state: 'sending',
      sizeBytes: 4e6,
      ackedBytes: 1e6,
    },
    {
      segment: { lens: parseLensName('front'), run, seq: 2 },
      state: 'reading',
      sizeBytes: undefined,
      ackedBytes: 0,
    },
  ],
  protections: { protectedBytes: 40e9, maxBytes: 50e9, share: 'near' },
  evicted: { segments: 12, bytes: 60e6, lostSegments: 2, lostBytes: 10e6 },
};

describe('gapless-edge status', () => {
  let operated: OperatedPlace;
  let asked: number;
  beforeEach(async () => {
    asked = 0;
    operated = await OperatedPlace.start(await Place.make());
    await operated.hangUp();
    await tell(facts);
  });
  afterEach(() => operated[Symbol.asyncDispose]());

  async function tell(told: AgentFacts, until = Number.POSITIVE_INFINITY): Promise<void> {
    await operated.hangUp();
    await operated.listen({
      status: () => {
        if (++asked >= until) operated.shutdown.abort();
        return Promise.resolve(told);
      },
    });
  }

  it('gives programs all that the agent knows of itself', async () => {
    const { exitCode, stdout } = await operated.run('--json', 'status');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      vehicle: 'bus-042',
      version: '1.2.3',
      now: formatUtc(NOW_MS),
      started: formatUtc(facts.startedMs),
      lenses: [
        {
          lens: 'front',
          state: 'recording',
          since: formatUtc(NOW_MS - 600_000),
          live: 'push',
          asOf: formatUtc(NOW_MS - 500),
          open: {
            id: `front/${run}/000007`,
            from: formatUtc(NOW_MS - 4_500),
            to: formatUtc(NOW_MS - 500),
            bytes: 2_100_000,
          },
          overwriteEta: formatUtc(NOW_MS + 11_520_000),
        },
        {
          lens: 'rear',
          state: 'no-signal',
          since: formatUtc(NOW_MS - 65_000),
          detail: 'Connection refused\u001b[31m',
          live: 'off',
          asOf: formatUtc(NOW_MS),
        },
      ],
      disk: {
        dir: '/recordings',
        usedBytes: 12.3e9,
        freeBytes: 88e9,
        maxBytes: 200e9,
        minFreeBytes: 1e9,
        whenFull: 'evict-oldest',
      },
      protections: { protectedBytes: 40e9, maxBytes: 50e9, state: 'near' },
      link: {
        state: 'connecting',
        central: 'wss://central.example',
        since: formatUtc(NOW_MS - 30_000),
        error: { code: 'LINK_UNREACHABLE', message: 'central gave no answer within 5 s' },
        nextTryInMs: 1_500,
      },
      catalogue: { changes: 120, told: 115 },
      transfers: [
        { segment: `front/${run}/000003`, state: 'sending', bytes: 4e6, sentBytes: 1e6 },
        { segment: `front/${run}/000002`, state: 'reading', sentBytes: 0 },
      ],
    });
  });

  it('shows people a screenful, in which nothing can move the cursor', async () => {
    const { stdout } = await operated.run('status');
    expect(stdout).toBe(`bus-042, agent 1.2.3, up for 1 h 00 min

LENS   STATE              FOR  LIVE  RUN/SEGMENT      SIZE
front  recording  10 min 00 s  push  3fa9c1/000007  2.1 MB
rear   no-signal   1 min 05 s  off

why        rear: Connection refused?[31m
forecast   front loses footage that central does not have in 3 h 12 min
disk       12.3 GB of recordings, 88.0 GB free
           at most 200.0 GB, 1.0 GB stay free, the oldest goes when full
protected  40.0 GB of at most 50.0 GB: nearly all; take back what is not needed
link       none to wss://central.example for 30.0 s; next try in 1.5 s
           central gave no answer within 5 s
catalogue  central knows all but the last 5 changes
transfers  [####............] front 3fa9c1/000003  1.0 MB of 4.0 MB, sending
           [................] front 3fa9c1/000002  reading
`);
  });

  it.each<[string, AgentFacts['link'], RegExp]>([
    ['no central', undefined, /^link +no central is configured: recording only$/m],
    [
      'a vehicle that is not enrolled',
      { url: 'wss://central.example', isEnrolled: false },
      /^link +not enrolled at wss:\/\/central\.example: recording only\n +see gapless-edge enroll --help$/m,
    ],
    [
      'an open link',
      { url: 'wss://central.example', isEnrolled: true, isOpen: true, lastedMs: 125_000, nextDialInMs: 0 },
      /^link +open to wss:\/\/central\.example for 2 min 05 s$/m,
    ],
  ])('tells %s', async (_, link, line) => {
    await tell({ ...facts, link });
    expect((await operated.run('status')).stdout).toMatch(line);
  });

  const watch = async (...words: readonly string[]): Promise<Spoken> => {
    await tell(facts, 3);
    return passing(operated.recordings.clock, operated.run(...words));
  };

  it('draws no more lines than the terminal has', async () => {
    operated.isTty = true;
    const lenses = Array.from({ length: 40 }, () => facts.lenses[1]!);
    await tell({ ...facts, lenses }, 3);
    const { stdout } = await passing(operated.recordings.clock, operated.run('status', '--watch'));
    for (const screen of stdout.split('\u001b[H').slice(1)) {
      expect(screen.split('\n').length).toBeLessThanOrEqual(24);
      expect(screen).toMatch(/… \d+ more lines in a larger window/);
    }
  });

  it('redraws in place on a terminal, without wrapping a line, until it is left', async () => {
    operated.isTty = true;
    const { exitCode, stdout, stderr } = await watch('status', '--watch');
    expect([exitCode, stderr]).toEqual([0, '']);
    const screens = stdout.split('\u001b[H').slice(1);
    expect(screens.length).toBeGreaterThanOrEqual(2);
    for (const screen of screens)
      for (const line of screen.split('\n'))
        // eslint-disable-next-line no-control-regex -- the sequences that are counted out
        expect(line.replace(/\u001b\[[KJ]/g, '').length).toBeLessThan(100);
  });

  it('gives a program one status a line', async () => {
    const { stdout } = await watch('--json', 'status', '--watch');
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(2);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ vehicle: 'bus-042' });
  });
});
