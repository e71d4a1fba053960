import { describe, expect, it, test } from 'vitest';
import { parsePosition } from './camera-position.js';
import { gpxOf } from './gpx.js';

/** A block in the guise of a `free` box with text or a record at byte `at`. */
function blockOf(at: number, content: Uint8Array): Uint8Array {
  const block = new Uint8Array(at + content.length + 20);
  block.set(Buffer.from('freeGPS '), 4);
  block.set(content, at);
  return block;
}

interface Fields {
  readonly time?: readonly number[];
  readonly letters?: string;
  readonly floats?: readonly number[];
}

function record({
  time = [14, 22, 7, 26, 8, 22],
  letters = 'ANE',
  floats = [4807.038, 1131, 10, 84.5],
}: Fields) {
  const bytes = Buffer.alloc(44);
  time.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
  bytes.write(letters, 24, 'latin1');
  floats.forEach((value, i) => bytes.writeFloatLE(value, 28 + 4 * i));
  return bytes;
}

describe('parsePosition', () => {
  it('finds the record at byte 48, and some words from there', () => {
    for (const at of [48, 16, 64]) {
      const position = parsePosition(blockOf(at, record({})));
      expect(position?.atMs).toBe(Date.UTC(2026, 7, 22, 14, 22, 7));
      expect(position?.latitude).toBeCloseTo(48.1173, 4);
      expect(position?.longitude).toBeCloseTo(11.5167, 4);
    }
  });

  it('counts south and west below zero, and takes years of four digits', () => {
    const position = parsePosition(blockOf(48, record({ letters: 'ASW', time: [0, 0, 0, 2026, 1, 1] })));
    expect(position?.latitude).toBeCloseTo(-48.1173, 4);
    expect(position?.longitude).toBeCloseTo(-11.5167, 4);
    expect(position?.atMs).toBe(Date.UTC(2026, 0, 1));
  });

  it('reads a sentence of NMEA 0183 where there is no record', () => {
    const rmc = Buffer.from('$GPRMC,183731.00,A,3907.482,N,12102.436,W,022.4,084.4,080326,,,A*6A');
    expect(parsePosition(blockOf(100, rmc))).toMatchObject({
      atMs: Date.UTC(2026, 2, 8, 18, 37, 31),
      latitude: expect.closeTo(39.1247, 4) as number,
      longitude: expect.closeTo(-121.0406, 4) as number,
      courseDegrees: 84.4,
    });
  });

  test.each([
    ['without a fix', record({ letters: 'VNE' })],
    ['at an hour that there is not', record({ time: [24, 0, 0, 26, 8, 22] })],
    ['at a place that there is not', record({ floats: [9807, 1131, 0, 0] })],
    ['of numbers that are none', record({ floats: [NaN, NaN, 0, 0] })],
    ['of nothing', new Uint8Array(60)],
    ['of a sentence without a fix', Buffer.from('$GPRMC,183731,V,3907.482,N,12102.436,W,0,0,080326,')],
  ])('has no position %s', (_, content) => {
    expect(parsePosition(blockOf(48, content))).toBeUndefined();
  });

  it('does without a speed that cannot be', () => {
    const position = parsePosition(blockOf(48, record({ floats: [4807, 1131, -1, 400] })));
    expect(position).toMatchObject({ speedMetresPerSec: undefined, courseDegrees: undefined });
  });
});

describe('gpxOf', () => {
  it('writes a track of points with their times', () => {
    const gpx = gpxOf([parsePosition(blockOf(48, record({})))!]);
    expect(gpx).toContain('<trkpt lat="48.1173');
    expect(gpx).toContain('<time>2026-08-22T14:22:07.000Z</time>');
    expect(gpx).toContain('<tpx:speed>5.14</tpx:speed><tpx:course>84.5</tpx:course>');
  });
});
