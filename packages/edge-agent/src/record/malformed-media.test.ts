import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { piecesOf, recorded } from '../../../../fixtures/media/index.js';
import { front, Place, Recordings } from '../../../../test/support/edge/recordings.js';
import { WatchedRecorder } from '../../../../test/support/edge/watched-recorder.js';

/** Init segment and three fragments. */
let tiny: Buffer[];
/** Init segment and fragments of which only every twelfth begins with a sync sample. */
let longGop: Buffer[];

async function parts(name: 'tiny' | 'longGop'): Promise<Buffer[]> {
  return piecesOf(await recorded(name)).map(({ bytes }) => Buffer.from(bytes));
}

beforeAll(async () => {
  tiny = await parts('tiny');
  longGop = await parts('longGop');
});

/** A copy of `bytes` in which the fields of the first box of that name are changed. */
function with32(bytes: Buffer, box: string, offset: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32BE(value, copy.indexOf(box, 0, 'latin1') + offset);
  return copy;
}

function header(sizeBytes: number, type: string): Buffer {
  const box = Buffer.alloc(8);
  box.writeUInt32BE(sizeBytes);
  box.write(type, 4, 'latin1');
  return box;
}

interface Malformed {
  readonly what: string;
  readonly sends: () => readonly Buffer[];
  /** What people are told. */
  readonly detail: RegExp;
  /** How the run ends; undefined where none began. */
  readonly endReason?: 'invalid-media' | 'crashed' | 'codec-change';
}

const OVER = /no picture for 20 s|camera ended/;

const malformed: readonly Malformed[] = [
  {
    what: 'rubbish',
    sends: () => [Buffer.from('HTTP/1.1 401 Unauthorized\r\n\r\n<html></html>')],
    detail: /stands where ftyp must be/,
  },
  { what: 'nothing but zeros', sends: () => [Buffer.alloc(4096)], detail: /ftyp/ },
  {
    what: 'a giant box at the beginning',
    sends: () => [header(0xffff_fff0, 'ftyp')],
    detail: /ftyp .* bytes/,
  },
  { what: 'a moov that never ends', sends: () => [tiny[0]!.subarray(0, 400)], detail: OVER },
  {
    what: 'fragments without a moov',
    sends: () => tiny.slice(1),
    detail: /moof at byte 0 stands where ftyp must be/,
  },
  {
    what: 'an init segment without tracks',
    sends: () => [
      Buffer.from(tiny[0]!.toString('latin1').replaceAll('trak', 'free'), 'latin1'),
      ...tiny.slice(1),
    ],
    detail: /track/,
  },
  {
    what: 'a codec whose name is none',
    sends: () => [
      Buffer.from(tiny[0]!.toString('latin1').replace('avc1', '\x01\x02\x1b['), 'latin1'),
      ...tiny.slice(1),
    ],
    detail: /names its codecs in a way that cannot be told/,
  },
  {
    what: 'a timescale of zero',
    sends: () => [with32(tiny[0]!, 'mdhd', 16, 0), ...tiny.slice(1)],
    detail: /mdhd|timescale/,
  },
  {
    what: 'a giant box behind a fragment',
    sends: () => [...tiny.slice(0, 3), header(0x7fff_ffff, 'moof')],
    detail: /moof .* bytes/,
    endReason: 'invalid-media',
  },
  {
    what: 'a giant mdat',
    sends: () => [...tiny.slice(0, 3), with32(tiny[3]!, 'mdat', -4, 0x7fff_ffff)],
    detail: /mdat .* bytes/,
    endReason: 'invalid-media',
  },
  {
    what: 'a truncated fragment',
    sends: () => [...tiny.slice(0, 3), tiny[3]!.subarray(0, tiny[3]!.length - 9)],
    detail: OVER,
    endReason: 'crashed',
  },
  {
    what: 'rubbish between fragments',
    sends: () => [...tiny.slice(0, 3), Buffer.from('\0\0\0\x20rubbish and more of it, and more'), tiny[3]!],
    detail: /stands where moof must be/,
    endReason: 'invalid-media',
  },
  {
    what: 'a fragment that is missing',
    sends: () => [...tiny.slice(0, 2), tiny[3]!],
    detail: /has number 3 after 1/,
    endReason: 'invalid-media',
  },
  {
    what: 'a fragment twice',
    sends: () => [...tiny.slice(0, 3), tiny[2]!],
    detail: /has number 2 after 2/,
    endReason: 'invalid-media',
  },
  {
    what: 'a second init segment',
    sends: () => [...tiny.slice(0, 3), tiny[0]!],
    detail: /second init segment/,
    endReason: 'codec-change',
  },
  {
    what: 'samples that lie outside their fragment',
    sends: () => [...tiny.slice(0, 3), with32(tiny[3]!, 'trun', 12, 0x00ff_ffff)],
    detail: /trun|mdat|sample/,
    endReason: 'invalid-media',
  },
  {
    what: 'a clock that goes back',
    sends: () => [...tiny.slice(0, 3), with32(tiny[3]!, 'tfdt', 12, 0)],
    detail: /goes back in media time/,
    endReason: 'invalid-media',
  },
  {
    what: 'a clock that leaps ahead by days',
    sends: () => [...tiny.slice(0, 3), with32(tiny[3]!, 'tfdt', 8, 9)],
    detail: /leaps ahead in media time/,
    endReason: 'invalid-media',
  },
  { what: 'no sync sample', sends: () => [longGop[0]!, ...longGop.slice(2, 12)], detail: OVER },
];

describe('a recorder of a camera that sends', () => {
  it.each(malformed)('$what says so and tries again', async ({ sends, detail, endReason }) => {
    await using place = await Place.make();
    await using recordings = new Recordings(place);
    await using watched = await WatchedRecorder.of(recordings);
    const child = await watched.child(0);
    await watched.play(child, sends());
    child.end({ exitCode: 0, stderrTail: 'camera ended' });
    const next = await watched.child(1);
    expect(watched.recorder.status).toMatchObject({ state: 'no-signal' });
    expect(watched.recorder.status.detail).toMatch(detail);
    const run = recordings.reader.runs.last(front);
    expect(run?.endReason).toBe(endReason);
    await watched.play(next, tiny);
    expect(watched.recorder.status.state).toBe('recording');
    await watched.stop();
    expect(await recordings.check()).toEqual([]);
  });

  it('anything at all keeps its recordings in order', async () => {
    const whole = Buffer.concat(tiny);
    const damage = fc.record({
      at: fc.nat(whole.length - 1),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    });
    const cameras = fc.array(
      fc.record({ damages: fc.array(damage, { maxLength: 3 }), cut: fc.nat(whole.length) }),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    await fc.assert(
      fc.asyncProperty(cameras, fc.integer({ min: 100, max: 9_000 }), async (given, chunkBytes) => {
        await using place = await Place.make();
        await using recordings = new Recordings(place);
        await using watched = await WatchedRecorder.of(recordings);
        for (const [number, { damages, cut }] of given.entries()) {
          const child = await watched.child(number);
          const bytes = Buffer.from(whole);
          for (const { at, bytes: wrong } of damages) bytes.set(wrong.subarray(0, bytes.length - at), at);
          for (let at = 0; at < cut; at += chunkBytes)
            await watched.play(child, [bytes.subarray(at, Math.min(cut, at + chunkBytes))]);
          child.end({ exitCode: 1 });
        }
        await watched.child(given.length);
        await watched.stop();
        const findings = await recordings.check();
        expect(findings).toEqual([]);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});
