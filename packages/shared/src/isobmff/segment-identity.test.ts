import { describe, expect, it } from 'vitest';
import { parseLensName, parseRunId, parseVehicleId } from '../ids/index.js';
import type { Box } from './box.js';
import { topLevelBoxes } from './box.js';
import { box, boxBytes, versionAndFlags } from './box-writer.js';
import { wallMs } from './segment-clock.js';
import type { SegmentIdentity } from './segment-identity.js';
import { identityBox, isIdentityBox, parseIdentityBox } from './segment-identity.js';
import type { SegmentSeal } from './segment-seal.js';
import { isSealBox, parseSealBox, sealBox, sealedBytes } from './segment-seal.js';

const identity: SegmentIdentity = {
  vehicle: parseVehicleId('bus-042'),
  lens: parseLensName('front'),
  run: parseRunId('20260822T165728123Z-3fa9c1'),
  seq: 12,
  firstFragment: 145,
  startMs: 1_787_417_848_123,
  startTicks: 2_211_840,
  timescale: 15_360,
  ppm: -20,
  bootId: '4c1d6a4e-0f5b-4a86-9e5e-6c1b52ad3a11',
  monotonicMs: 86_400_123,
  clock: 'trusted',
};

const seal: SegmentSeal = {
  v: 1,
  endMs: 1_787_417_858_123,
  fragments: 10,
  previous: '77'.repeat(32),
  sha256: '5f'.repeat(32),
  key: 'ev-1',
  signature: 'ab'.repeat(64),
};

const boxOf = (bytes: Uint8Array): Box => [...topLevelBoxes(bytes)][0]!;

/** The box with its JSON changed. */
function altered(bytes: Uint8Array, change: (json: Record<string, unknown>) => unknown, version = 1): Box {
  const { body } = boxOf(bytes);
  const json = JSON.parse(new TextDecoder().decode(body.subarray(4))) as Record<string, unknown>;
  const text = new TextEncoder().encode(JSON.stringify(change(json)));
  return boxOf(boxBytes(box('uuid', bytes.subarray(8, 24), versionAndFlags(version, 0), text)));
}

describe(parseIdentityBox, () => {
  it('reads what was written, byte for byte the same each time', () => {
    const bytes = identityBox(identity);
    expect(isIdentityBox(boxOf(bytes))).toBe(true);
    expect(isSealBox(boxOf(bytes))).toBe(false);
    expect(parseIdentityBox(boxOf(bytes))).toEqual(identity);
    expect(identityBox(parseIdentityBox(boxOf(bytes)))).toEqual(bytes);
  });

  it('leaves out members that it does not know', () => {
    const more = altered(identityBox(identity), (json) => ({ ...json, colour: 'blue' }));
    expect(parseIdentityBox(more)).toEqual(identity);
  });

  it.each([
    ['vehicle', '../etc'],
    ['lens', ''],
    ['run', '20261322T165728123Z-3fa9c1'],
    ['seq', 1_000_000],
    ['seq', 1.5],
    ['firstFragment', -1],
    ['startMs', '0'],
    ['startMs', -1],
    ['startTicks', 2 ** 53],
    ['timescale', 0],
    ['ppm', 501],
    ['bootId', 'a b'],
    ['monotonicMs', null],
    ['clock', 'sometimes'],
    ['clock', undefined],
  ])('refuses %s = %j', (key, value) => {
    const wrong = altered(identityBox(identity), (json) => ({ ...json, [key]: value }));
    expect(() => parseIdentityBox(wrong)).toThrow(
      expect.objectContaining({
        code: 'MP4_INVALID',
        message: expect.stringContaining(`"${key}"`) as string,
      }),
    );
  });

  it('says which version it knows', () => {
    const later = altered(identityBox(identity), (json) => json, 2);
    expect(() => parseIdentityBox(later)).toThrow(
      expect.objectContaining({
        code: 'MP4_UNSUPPORTED',
        message: 'segment identity at byte 0 has version 2; this program knows version 1',
      }),
    );
  });

  it.each([
    ['a list', []],
    ['a number', 7],
    ['nothing', null],
  ])('refuses %s instead of an object', (_note, json) => {
    expect(() => parseIdentityBox(altered(identityBox(identity), () => json))).toThrow('JSON object');
  });

  it('refuses what is not JSON, not UTF-8 or too long', () => {
    const holding = (payload: Uint8Array): Box =>
      boxOf(boxBytes(box('uuid', identityBox(identity).subarray(8, 24), versionAndFlags(1, 0), payload)));
    expect(() => parseIdentityBox(holding(new Uint8Array([0x7b])))).toThrow('JSON in UTF-8');
    expect(() => parseIdentityBox(holding(new Uint8Array([0x22, 0xff, 0x22])))).toThrow('JSON in UTF-8');
    expect(() => parseIdentityBox(holding(new Uint8Array(4097)))).toThrow('4097 bytes of JSON');
    expect(() => parseIdentityBox(boxOf(boxBytes(box('uuid', new Uint8Array(16)))))).toThrow('ends inside');
  });
});

describe(parseSealBox, () => {
  it('reads what was written', () => {
    const bytes = sealBox(seal);
    expect(isSealBox(boxOf(bytes))).toBe(true);
    expect(parseSealBox(boxOf(bytes))).toEqual(seal);
  });

  it('reads the seal of a lens’s first segment, without signature', () => {
    const bare: SegmentSeal = { v: 1, endMs: seal.endMs, fragments: 10, sha256: seal.sha256 };
    expect(parseSealBox(boxOf(sealBox(bare)))).toEqual(bare);
    expect(sealBox(bare).length).toBeLessThan(sealBox(seal).length);
  });

  it.each([
    ['a key without a signature', { signature: undefined }],
    ['a signature in capitals', { signature: 'AB'.repeat(64) }],
    ['a short hash', { sha256: '5f' }],
    ['no hash', { sha256: undefined }],
    ['a previous that is no hash', { previous: '' }],
  ])('refuses %s', (_note, change) => {
    const wrong = altered(sealBox(seal), (json) => ({ ...json, ...change }));
    expect(() => parseSealBox(wrong)).toThrow(expect.objectContaining({ code: 'MP4_INVALID' }));
  });

  it('says which version it knows', () => {
    const later = altered(sealBox(seal), (json) => ({ ...json, v: 2 }));
    expect(() => parseSealBox(later)).toThrow('states version 2; this program knows version 1');
  });
});

describe(sealedBytes, () => {
  it('is the ten lines that its description shows', () => {
    expect(new TextDecoder().decode(sealedBytes(identity, seal)).split('\n')).toEqual([
      'gapless-segment-seal 1',
      'bus-042/front',
      '20260822T165728123Z-3fa9c1',
      '12',
      '145',
      '10',
      '1787417858123',
      '5f'.repeat(32),
      '77'.repeat(32),
      'ev-1',
      '',
    ]);
  });

  it('writes - for what is not there', () => {
    const text = new TextDecoder().decode(
      sealedBytes(identity, { v: 1, endMs: 5, fragments: 1, sha256: '00'.repeat(32) }),
    );
    expect(text.split('\n').slice(-3)).toEqual(['-', '-', '']);
  });
});

describe(wallMs, () => {
  it('rounds a boundary once, from the anchor', () => {
    const clock = { startMs: 1_000, startTicks: 0, timescale: 30_000, ppm: 0 };
    expect([0, 1001, 2002, 3003].map((ticks) => wallMs(clock, ticks))).toEqual([1000, 1033, 1067, 1100]);
  });

  it('follows a media clock that is slow or fast', () => {
    const clock = { startMs: 0, startTicks: 90_000, timescale: 90_000, ppm: 100 };
    const hour = 3600 * 90_000;
    expect(wallMs(clock, 90_000 + hour)).toBe(3_600_360);
    expect(wallMs({ ...clock, ppm: -100 }, 90_000 + hour)).toBe(3_599_640);
  });

  it('goes back before its anchor as well', () => {
    expect(wallMs({ startMs: 5_000, startTicks: 1000, timescale: 1000, ppm: 0 }, 0)).toBe(4_000);
  });
});
