import type { EpochMs } from '@gapless/shared/time';
import { isEpochMs } from '@gapless/shared/time';

/** Where the vehicle was, as its camera noted it. */
export interface Position {
  /** As the camera says; most set their clocks by the satellites, in UTC. */
  readonly atMs: EpochMs;
  /** Degrees, north positive. */
  readonly latitude: number;
  /** Degrees, east positive. */
  readonly longitude: number;
  readonly speedMetresPerSec: number | undefined;
  /** Degrees clockwise from north. */
  readonly courseDegrees: number | undefined;
}

const METRES_PER_SEC_PER_KNOT = 0.514444;

/** The record stands at byte 48 in the firmwares that are known; others have moved it by some words. */
const SEARCH_BYTES = 512;
const RECORD_BYTES = 44;

/**
 * Reads a block of camera data: six 32-bit numbers of the time, three letters, four floats; or, in other firmwares, a
 * sentence of NMEA 0183. `undefined` when there is neither, or when the camera had no fix.
 *
 * @param block the whole box, header included
 */
export function parsePosition(block: Uint8Array): Position | undefined {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const last = Math.min(block.length, SEARCH_BYTES) - RECORD_BYTES;
  for (let at = 8; at <= last; at += 4) {
    const position = recordAt(view, at);
    if (position) return position;
  }
  return nmeaPosition(Buffer.from(block).toString('latin1'));
}

function recordAt(view: DataView, at: number): Position | undefined {
  const letters = String.fromCharCode(view.getUint8(at + 24), view.getUint8(at + 25), view.getUint8(at + 26));
  if (!/^A[NS][EW]$/.test(letters)) return undefined;
  const u32 = (index: number): number => view.getUint32(at + 4 * index, true);
  const f32 = (index: number): number => view.getFloat32(at + 28 + 4 * index, true);
  const [hour, minute, second, year, month, day] = [u32(0), u32(1), u32(2), u32(3), u32(4), u32(5)];
  return position({
    atMs: timeOf({ year, month, day, hour, minute, second }),
    latitude: degrees(f32(0), letters[1] === 'S'),
    longitude: degrees(f32(1), letters[2] === 'W'),
    knots: f32(2),
    course: f32(3),
  });
}

const RMC =
  /\$G[PN]RMC,(\d\d)(\d\d)(\d\d)(?:\.\d+)?,A,(\d+\.\d+),([NS]),(\d+\.\d+),([EW]),([\d.]*),([\d.]*),(\d\d)(\d\d)(\d\d),/;

function nmeaPosition(text: string): Position | undefined {
  const match = RMC.exec(text);
  if (!match) return undefined;
  const field = (index: number): number => Number(match[index] === '' ? NaN : match[index]);
  const [hour, minute, second] = [field(1), field(2), field(3)];
  return position({
    atMs: timeOf({ year: field(12), month: field(11), day: field(10), hour, minute, second }),
    latitude: degrees(field(4), match[5] === 'S'),
    longitude: degrees(field(6), match[7] === 'W'),
    knots: field(8),
    course: field(9),
  });
}

interface CivilTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

function timeOf({ year, month, day, hour, minute, second }: CivilTime): EpochMs | undefined {
  const isTime = hour < 24 && minute < 60 && second < 61;
  if (!isTime || month < 1 || month > 12 || day < 1 || day > 31 || year > 2200) return undefined;
  // Two digits, or all four.
  const atMs = Date.UTC(year < 100 ? 2000 + year : year, month - 1, day, hour, minute, second);
  return isEpochMs(atMs) ? atMs : undefined;
}

/** Degrees and minutes as NMEA runs them together, ddmm.mmmm. */
function degrees(value: number, isNegative: boolean): number {
  const whole = Math.floor(value / 100);
  const result = whole + (value - whole * 100) / 60;
  return isNegative ? -result : result;
}

interface Reading {
  readonly atMs: EpochMs | undefined;
  readonly latitude: number;
  readonly longitude: number;
  readonly knots: number;
  readonly course: number;
}

function position({ atMs, latitude, longitude, knots, course }: Reading): Position | undefined {
  if (atMs === undefined || !(Math.abs(latitude) <= 90) || !(Math.abs(longitude) <= 180)) return undefined;
  return {
    atMs,
    latitude,
    longitude,
    speedMetresPerSec: knots >= 0 && knots < 1000 ? knots * METRES_PER_SEC_PER_KNOT : undefined,
    courseDegrees: course >= 0 && course <= 360 ? course : undefined,
  };
}
