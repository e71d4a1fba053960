import { parseCursor } from '@gapless/edge-agent/query/cursor';
import { edgeConfigSchema } from '@gapless/edge-agent/config';
import { parseEntry } from '@gapless/edge-agent/index/journal/index';
import { readPath } from '@gapless/central/sftp/path-policy';
import { parseConfig } from '@gapless/shared/config';
import { byteRangeOf, matchesEtag } from '@gapless/shared/http';
import { parseLensPath, parseRunId, parseSegmentId } from '@gapless/shared/ids';
import { parseAgentMessage, parseCentralMessage, parseClaimCode } from '@gapless/shared/protocol';
import { decodeSlice, encodeSliceHeader, formatClaimCode } from '@gapless/shared/protocol';
import { fingerprintOf, generateSshKey, parsePublicKey } from '@gapless/shared/ssh';
import { parseTime } from '@gapless/shared/time';
import { seededRandom } from '../../../support/seeded-random.js';
import type { FuzzTarget } from './target.js';
import { textTarget } from './target.js';

const RUN = '20260822T160000000Z-a1b2c3';
const SEGMENT = { lens: 'front', run: RUN, seq: 7 };
const HASH = 'ab'.repeat(32);
const TRANSFER = `xfer_${'0'.repeat(26)}`;
const REQUEST = `req_${'0'.repeat(26)}`;
const NOON_MS = Date.UTC(2026, 7, 22, 12);

const json = (values: readonly object[]): string[] => values.map((value) => JSON.stringify(value));

const agentMessages = textTarget(
  'message of a vehicle',
  json([
    {
      type: 'status',
      sentAt: 12_345,
      changeSeq: 9,
      lenses: [{ lens: 'front', state: 'recording', live: 'push', asOfMs: NOON_MS }],
      storage: { usedBytes: 1, freeBytes: 2 },
    },
    { type: 'uploaded', transfer: TRANSFER, generation: 3 },
    {
      type: 'offer',
      transfer: TRANSFER,
      generation: 3,
      manifest: { v: 1, sizeBytes: 10, sha256: HASH, blockBytes: 262_144, blocks: [HASH] },
    },
    { type: 'receipt-ack', through: 5 },
    { type: 'goodbye', reason: 'stopping' },
  ]),
  parseAgentMessage,
  ['LINK_MESSAGE_INVALID', 'LINK_MESSAGE_UNKNOWN'],
);

const centralMessages = textTarget(
  'message of central',
  json([
    { type: 'catalogue-ack', throughSeq: 9 },
    { type: 'list', id: REQUEST, lens: 'front', range: { startMs: NOON_MS, endMs: NOON_MS + 1 } },
    { type: 'release', transfer: TRANSFER, generation: 3 },
    { type: 'live-ack', bytes: 100 },
  ]),
  parseCentralMessage,
  ['LINK_MESSAGE_INVALID', 'LINK_MESSAGE_UNKNOWN'],
);

const liveFrame: FuzzTarget = {
  name: 'live frame',
  seeds: () => {
    const descriptor = { ...SEGMENT, part: 'fragment', number: 3, offset: 900, sizeBytes: 64 } as const;
    const times = { startMs: NOON_MS, endMs: NOON_MS + 1_000 };
    const header = encodeSliceHeader({
      ...{ piece: 4, last: false },
      descriptor: { ...descriptor, ...times } as Parameters<typeof encodeSliceHeader>[0]['descriptor'],
    });
    return Promise.resolve([
      Buffer.concat([header, Buffer.alloc(64, 7)]),
      Buffer.concat([encodeSliceHeader({ piece: 4, descriptor: undefined, last: true }), Buffer.alloc(64)]),
    ]);
  },
  read: decodeSlice,
  refusals: ['LINK_FRAME_INVALID'],
};

const claimCode = textTarget(
  'claim code',
  [
    formatClaimCode({
      ...{ id: 'a1b2c3d4', secret: new Uint8Array(16), centralKeyPrefix: 'ab'.repeat(8) },
      hostKeyPrefix: 'cd'.repeat(8),
    }),
  ],
  parseClaimCode,
  ['CLAIM_CODE_INVALID'],
);

const journal = textTarget(
  'journal of the recordings',
  json([
    { v: 1, kind: 'receipt', run: RUN, seq: 7, sha256: HASH },
    { v: 1, kind: 'run', run: RUN, bootId: 'b', monotonicMs: 1, clockTrusted: true, startMs: NOON_MS },
  ]),
  parseEntry,
  [],
);

const configuration = textTarget(
  'configuration',
  [
    [
      'vehicle: bus-042',
      'central: { url: "wss://central.example" }',
      'storage: { maxSize: 200GB, minFree: 2GB, maxAge: 30d, whenFull: evict-oldest }',
      'lenses:',
      '  front: { input: "rtsp://10.0.0.11/main", live: push }',
      '  rear: { input: { url: "file:/a.mp4?loop", options: ["-re"] }, live: off }',
      'recording: { segmentDuration: 10s }',
    ].join('\n'),
  ],
  (text) => parseConfig(text, { schema: edgeConfigSchema, path: 'edge.yml' }),
  ['CONFIG_INVALID'],
);

const times = textTarget(
  'time as a person types it',
  ['2026-08-22T16:00:00.000Z', '-1h30m', '1787414400', '14:22:07', 'yesterday 9:15', '20260822T160000000Z'],
  (text) => parseTime(text, { nowMs: NOON_MS, timeZone: 'Europe/Berlin' }),
  ['ARGUMENT_INVALID'],
);

const names = textTarget(
  'name of a lens, a run or a segment',
  ['bus-042/front', RUN, `front/${RUN}/7`, 'saloon_2'],
  (text) => {
    for (const parse of [parseLensPath, parseRunId, parseSegmentId]) {
      try {
        parse(text);
      } catch (thrown) {
        if ((thrown as { code?: string }).code !== 'ARGUMENT_INVALID') throw thrown;
      }
    }
  },
  ['ARGUMENT_INVALID'],
);

const httpHeaders = textTarget(
  'Range and If-None-Match',
  ['bytes=0-99', 'bytes=-5', 'bytes=100-', '"abc", W/"def"', '*'],
  (text) => {
    const range = byteRangeOf(text, undefined, { length: 1_000, etag: '"abc"' });
    if (typeof range === 'object' && !(range.from >= 0 && range.from < range.to && range.to <= 1_000))
      throw new Error(`${text} became ${range.from} to ${range.to}`);
    matchesEtag(text, '"abc"');
  },
  [],
);

const sftpPath = textTarget(
  'path over SFTP',
  ['/t-01HX/clip.part', 'a/b/c', '../../etc/passwd', '/a/./b'],
  (text) => {
    const read = readPath(text);
    if (read.kind === 'name' && /(^|\/)\.{0,2}(\/|$)|[^\w./-]/.test(read.path))
      throw new Error(`${JSON.stringify(text)} was taken for a name`);
  },
  [],
);

const publicKey = textTarget(
  'SSH public key',
  [generateSshKey(seededRandom(1)).publicKey],
  (text) => {
    parsePublicKey(text);
    fingerprintOf(text);
  },
  ['ARGUMENT_INVALID'],
);

const cursor = textTarget('cursor of a page', ['1787414400000.1787414400000.3.7'], parseCursor, [
  'ARGUMENT_INVALID',
]);

export const textTargets: readonly FuzzTarget[] = [
  ...[agentMessages, centralMessages, liveFrame, claimCode, journal, configuration],
  ...[times, names, httpHeaders, sftpPath, publicKey, cursor],
];
