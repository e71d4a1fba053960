import { createHash, sign } from 'node:crypto';
import { identityBox, sealBox, sealedBytes } from '@gapless/shared/isobmff';
import { MAX_SEGMENT_MS } from '@gapless/shared/protocol';
import { isEpochMs } from '@gapless/shared/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MadeSegment } from '../../../../fixtures/media/index.js';
import { cutSegments, recorded } from '../../../../fixtures/media/index.js';
import { CentralKit } from '../../../../test/support/central-kit.js';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import type { SignedSegment } from '../../../../test/support/signed-segments.js';
import { signSegment } from '../../../../test/support/signed-segments.js';
import type { Lens, Vehicle } from '../store/index.js';

const WORDS = [0, 1, 8, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

/**
 * A vehicle may seal anything: what its camera made, or what somebody on it made up. The hash and the signature of such
 * a file are right, so only what is read in it can be wrong.
 */
describe('a damaged segment under a right seal', () => {
  let kit: CentralKit;
  let vehicle: Vehicle;
  let lens: Lens;
  let made: MadeSegment;
  beforeAll(async () => {
    made = cutSegments(await recorded('tiny'), { fragmentsEach: 2 })[0]!;
    kit = await CentralKit.create(Date.UTC(2026, 7, 22, 17));
    vehicle = await kit.enrol();
    lens = await kit.lens(vehicle);
  });
  afterAll(() => kit[Symbol.asyncDispose]());

  /** Breaks what stands in front of the samples and seals it all the same, as segment `seq`. */
  async function sealed(seq: number, spoil: (media: Buffer) => void): Promise<SignedSegment> {
    const evidenceKey = kit.keys.get(vehicle.name)!.evidence;
    const identity = { ...made.identity, vehicle: vehicle.name, lens: lens.name, seq };
    const whole = await signSegment({ ...made, identity }, { ...identity, evidenceKey });
    const init = Buffer.from(made.init);
    const fragments = Buffer.concat(made.fragments.map(({ bytes }) => bytes));
    const media = Buffer.concat([init, fragments]);
    spoil(media);
    const body = Buffer.concat([
      media.subarray(0, init.length),
      identityBox(identity),
      media.subarray(init.length),
    ]);
    const sha256 = createHash('sha256').update(body).digest('hex');
    const statement = {
      v: 1 as const,
      endMs: made.endMs,
      fragments: made.fragments.length,
      sha256,
      key: 'ev-1',
    };
    const signature = sign(null, sealedBytes(identity, statement), evidenceKey).toString('hex');
    const bytes = Buffer.concat([body, sealBox({ ...statement, signature })]);
    const row = { ...whole.row, sha256: createHash('sha256').update(bytes).digest('hex') };
    return { ...whole, bytes, row };
  }

  it('is verified or quarantined, whatever it says', { timeout: 60_000 }, async () => {
    const random = seededRandom(20_260_822);
    const pick = (below: number): number => Math.floor(random.fraction() * below);
    const outcomes = { incomplete: 0, verified: 0, quarantined: 0 };
    const merger = kit.merger();
    for (let seq = 0; seq < 150; seq++) {
      const segment = await sealed(seq, (media) => {
        // Every other time in the head of the first fragment, where times and sizes stand.
        const from = seq % 2 === 0 ? 0 : made.init.length;
        for (let left = 1 + pick(2); left > 0; left--) {
          const at = from + pick(Math.min(600, media.length - from - 4));
          if (random.fraction() < 0.4) media[at] = pick(256);
          else media.writeUInt32BE(WORDS[pick(WORDS.length)]!, at);
        }
      });
      const object = await kit.expect(lens, segment.row);
      await kit.arrive(object, segment, segment.parts);
      outcomes[await merger.settle(object.id)]++;
      const { state, startMs, endMs } = kit.store.read.objects.byId(object.id)!;
      if (state !== 'verified') continue;
      expect([startMs, endMs].every(isEpochMs)).toBe(true);
      expect(endMs - startMs).toBeLessThanOrEqual(MAX_SEGMENT_MS);
    }
    expect(outcomes.incomplete).toBe(0);
    expect(outcomes.verified).toBeGreaterThan(0);
    expect(outcomes.quarantined).toBeGreaterThan(0);
  });

  /** Where the boxes of a type begin in the bytes. */
  const boxes = (media: Buffer, type: string): number[] => {
    const found: number[] = [];
    for (let at = media.indexOf(type); at >= 0; at = media.indexOf(type, at + 1)) found.push(at - 4);
    return found;
  };

  it.each([
    ['goes back in time', 'tfdt', { at: 0, offset: 12, word: 1 }],
    ['ends days later', 'tfdt', { at: 2, offset: 12, word: 1 }],
    ['lies beyond all calendars', 'tfdt', { at: 'all', offset: 12, word: 0x7fffff }],
    ['counts time in other ticks than it says', 'mdhd', { at: 0, offset: 20, word: 1 }],
  ] as const)('is quarantined when it %s', async (what, type, { at, offset, word }) => {
    const segment = await sealed(1_000 + what.length, (media) => {
      for (const [i, box] of boxes(media, type).entries())
        if (at === 'all' || at === i) media.writeUInt32BE(word, box + offset);
    });
    const object = await kit.expect(lens, segment.row);
    await kit.arrive(object, segment, segment.parts);
    expect(await kit.merger().settle(object.id)).toBe('quarantined');
    expect(kit.layer(lens, 'live').hull?.endMs ?? 0).toBeLessThanOrEqual(Date.UTC(2026, 7, 23));
  });
});
