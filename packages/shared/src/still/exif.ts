import type { EpochMs } from '../time/index.js';
import { formatUtc } from '../time/index.js';
import { jpegSize } from './jpeg-stream.js';

/** What a picture says of itself. */
export interface PictureNote {
  /** When it was taken. */
  readonly atMs: EpochMs;
  /** What it shows, such as the name of a lens. Plain ASCII. */
  readonly description: string;
}

/** Types of fields: TIFF 6.0 section 2, with their width in bytes. */
const ASCII = { code: 2, bytes: 1 };
const LONG = { code: 4, bytes: 4 };
const UNDEFINED = { code: 7, bytes: 1 };

interface Field {
  readonly tag: number;
  readonly type: typeof ASCII;
  readonly value: Buffer;
}

/** Where the first directory lies, from the start of the TIFF header. */
const FIRST_DIRECTORY = 8;

/**
 * A JPEG that says when it was taken, to the millisecond and in UTC, and what it shows: as Exif 2.32 (CIPA DC-008-2019)
 * in an APP1 segment right behind its beginning.
 */
export function withExif(jpeg: Uint8Array, note: PictureNote): Uint8Array {
  const { width, height } = jpegSize(jpeg);
  const [, date, time, fraction] = /^(.{10})T(.{8})\.(\d{3})Z$/.exec(formatUtc(note.atMs))!;
  const main = [
    text(0x010e, note.description), // ImageDescription
    text(0x0131, 'Gapless'), // Software
  ];
  const exif = [
    { tag: 0x9000, type: UNDEFINED, value: Buffer.from('0232') }, // ExifVersion
    text(0x9003, `${date!.replaceAll('-', ':')} ${time!}`), // DateTimeOriginal
    text(0x9011, '+00:00'), // OffsetTimeOriginal
    text(0x9291, fraction!), // SubSecTimeOriginal
    long(0xa002, width), // PixelXDimension
    long(0xa003, height), // PixelYDimension
  ];
  const withPointer = (exifAt: number): Buffer => directory([...main, long(0x8769, exifAt)], FIRST_DIRECTORY); // ExifIFD
  const exifAt = FIRST_DIRECTORY + withPointer(0).length;
  const header = Buffer.from([0x4d, 0x4d, 0, 42, 0, 0, 0, FIRST_DIRECTORY]);
  const tiff = Buffer.concat([header, withPointer(exifAt), directory(exif, exifAt)]);
  const body = Buffer.concat([Buffer.from('Exif\0\0'), tiff]);
  const marker = Buffer.from([0xff, 0xe1, 0, 0]);
  marker.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), marker, body, jpeg.subarray(2)]);
}

/** A directory that lies at `at`: fields by ascending tag, and behind them the values that are longer than four bytes. */
function directory(fields: readonly Field[], at: number): Buffer {
  const table = Buffer.alloc(2 + 12 * fields.length + 4);
  const values: Buffer[] = [];
  let valueAt = at + table.length;
  table.writeUInt16BE(fields.length);
  fields.forEach(({ tag, type, value }, i) => {
    const row = 2 + 12 * i;
    table.writeUInt16BE(tag, row);
    table.writeUInt16BE(type.code, row + 2);
    table.writeUInt32BE(value.length / type.bytes, row + 4);
    if (value.length <= 4) {
      value.copy(table, row + 8);
      return;
    }
    table.writeUInt32BE(valueAt, row + 8);
    // Values begin at even offsets.
    const padded = value.length % 2 === 0 ? value : Buffer.concat([value, Buffer.alloc(1)]);
    values.push(padded);
    valueAt += padded.length;
  });
  return Buffer.concat([table, ...values]);
}

function text(tag: number, value: string): Field {
  return { tag, type: ASCII, value: Buffer.from(`${value}\0`, 'latin1') };
}

function long(tag: number, value: number): Field {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return { tag, type: LONG, value: bytes };
}
