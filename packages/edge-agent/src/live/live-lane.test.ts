import { parseLensName, parseRunId } from '@gapless/shared/ids';
import type { LensName } from '@gapless/shared/ids';
import type { PieceDescriptor } from '@gapless/shared/protocol';
import { decodeSlice, MAX_SLICE_BYTES } from '@gapless/shared/protocol';
import { SimulatedClock } from '@gapless/shared/time';
import { describe, expect, it } from 'vitest';
import { LiveLane } from './live-lane.js';

const RUN = parseRunId('20260822T165728123Z-3fa9c1');
const FRAGMENT_BYTES = 500_000;

function fragment(lens: LensName, number: number): PieceDescriptor {
  const startMs = 1_787_417_848_123 + number * 1000;
  return {
    lens,
    run: RUN,
    seq: 0,
    part: 'fragment',
    number,
    offset: 1000 + number * FRAGMENT_BYTES,
    sizeBytes: FRAGMENT_BYTES,
    startMs,
    endMs: startMs + 1000,
  };
}

/** The other end of the link: keeps what arrives, acknowledges only when told to. */
class Reader {
  readonly slices: ReturnType<typeof decodeSlice>[] = [];
  receivedBytes = 0;

  sendBinary(header: Uint8Array, body: Uint8Array): void {
    const frame = Buffer.concat([header, body]);
    this.slices.push(decodeSlice(frame));
    this.receivedBytes += body.length;
  }
}

function drain(lane: LiveLane, reader: Reader): void {
  for (let before = -1; before !== reader.receivedBytes;) {
    before = reader.receivedBytes;
    lane.acknowledge(reader.receivedBytes);
  }
}

describe(LiveLane, () => {
  const front = parseLensName('front');
  const rear = parseLensName('rear');
  const media = new Uint8Array(FRAGMENT_BYTES).map((_, i) => i % 251);

  it('cuts pieces into slices that fit together again', () => {
    const lane = new LiveLane(new SimulatedClock());
    const reader = new Reader();
    lane.attach(reader);
    expect(lane.offer(fragment(front, 1), media)).toBe(true);
    drain(lane, reader);
    const { slices } = reader;
    expect(slices[0]!.descriptor).toEqual(fragment(front, 1));
    expect(slices.slice(1).every(({ descriptor }) => descriptor === undefined)).toBe(true);
    expect(slices.map(({ last }) => last).indexOf(true)).toBe(slices.length - 1);
    expect(slices.every(({ bytes }) => bytes.length <= MAX_SLICE_BYTES)).toBe(true);
    expect(Buffer.concat(slices.map(({ bytes }) => bytes)).equals(Buffer.from(media))).toBe(true);
  });

  it('holds no more than two fragments of a lens, however long the reader stalls', () => {
    const lane = new LiveLane(new SimulatedClock());
    const reader = new Reader();
    lane.attach(reader);
    let taken = 0;
    for (let number = 0; number < 3_600; number++) {
      if (lane.offer(fragment(front, number), media)) taken++;
      if (lane.offer(fragment(rear, number), media)) taken++;
      expect(lane.heldBytes).toBeLessThanOrEqual(3 * FRAGMENT_BYTES);
    }
    expect(taken).toBeLessThanOrEqual(4);
    expect(lane.counters.droppedPieces).toBe(7_200 - taken);
    expect(reader.receivedBytes).toBeLessThanOrEqual(256 * 1024 + MAX_SLICE_BYTES);
  });

  it('goes on with what is newest once the reader reads again', () => {
    const lane = new LiveLane(new SimulatedClock());
    const reader = new Reader();
    lane.attach(reader);
    for (let number = 0; number < 100; number++) lane.offer(fragment(front, number), media);
    drain(lane, reader);
    lane.offer(fragment(front, 100), media);
    drain(lane, reader);
    const numbers = reader.slices.flatMap(({ descriptor }) =>
      descriptor?.part === 'fragment' ? [descriptor.number] : [],
    );
    expect(numbers).toEqual([0, 1, 100]);
    expect(lane.heldBytes).toBe(0);
  });

  it('takes the lenses in turn, so that a busy one does not starve the others', () => {
    const lane = new LiveLane(new SimulatedClock());
    const reader = new Reader();
    lane.attach(reader);
    lane.offer(fragment(front, 1), media);
    lane.offer(fragment(front, 2), media);
    lane.offer(fragment(rear, 1), media);
    lane.offer(fragment(front, 3), media);
    drain(lane, reader);
    const order = reader.slices.flatMap(({ descriptor }) =>
      descriptor?.part === 'fragment' ? [`${descriptor.lens} ${descriptor.number}`] : [],
    );
    expect(order).toEqual(['front 1', 'front 2', 'rear 1']);
  });

  it('takes heads and seals even when a fragment has to be dropped', () => {
    const lane = new LiveLane(new SimulatedClock());
    lane.attach(new Reader());
    for (let number = 0; number < 5; number++) lane.offer(fragment(front, number), media);
    const seal: PieceDescriptor = {
      lens: front,
      run: RUN,
      seq: 0,
      part: 'seal',
      offset: 9_000_000,
      sizeBytes: 600,
      startMs: 1,
    };
    expect(lane.offer(seal, new Uint8Array(600))).toBe(true);
  });

  it('forgets everything when the link is lost: the completion has it now', () => {
    const lane = new LiveLane(new SimulatedClock());
    lane.attach(new Reader());
    lane.offer(fragment(front, 1), media);
    lane.detach();
    expect(lane.heldBytes).toBe(0);
    expect(lane.offer(fragment(front, 2), media)).toBe(false);
    const next = new Reader();
    lane.attach(next);
    lane.offer(fragment(front, 3), media);
    drain(lane, next);
    expect(next.slices[0]!.descriptor).toMatchObject({ number: 3 });
  });

  it('is not moved by acknowledgements of what was never sent', () => {
    const lane = new LiveLane(new SimulatedClock());
    const reader = new Reader();
    lane.attach(reader);
    lane.offer(fragment(front, 1), media);
    const sent = reader.receivedBytes;
    lane.acknowledge(sent + 1_000_000);
    lane.acknowledge(-5);
    expect(reader.receivedBytes).toBe(sent);
  });
});
