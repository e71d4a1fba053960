import { RangeSet } from '@gapless/shared/interval';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '@gapless/shared/time';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scene, SIZE_BYTES } from '../../../../test/support/completion-scene.js';
import { at } from '../../../../test/support/drawn-timeline.js';
import type { Mishap } from '../../../../test/support/scripted-vehicle.js';
import { seededRandom } from '../../../../test/support/seeded-random.js';

describe('completion', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.create();
  });
  afterEach(() => scene[Symbol.asyncDispose]());

  it('asks on return of the link for exactly the bytes that are missing', async () => {
    for (const seq of [0, 1, 2, 3]) scene.record(seq);
    await scene.stream(0, [[0, SIZE_BYTES]]);
    await scene.stream(1, [
      [0, 400],
      [600, SIZE_BYTES],
    ]);
    await scene.central.connect();
    await scene.settle();
    expect(scene.states(4)).toEqual(new Array(4).fill('verified'));
    const fetched = scene.agent.fetches.map(({ segment, bytes }) => [segment.seq, bytes]);
    expect(fetched.sort(([a], [b]) => Number(b) - Number(a))).toEqual([
      [3, [{ from: 0, to: SIZE_BYTES }]],
      [2, [{ from: 0, to: SIZE_BYTES }]],
      [1, [{ from: 400, to: 600 }]],
    ]);
    expect(scene.agent.sentBytes).toBe(2 * SIZE_BYTES + 200);
  });

  it('says of what came which way', async () => {
    scene.record(0);
    scene.record(1);
    await scene.stream(0, [[0, SIZE_BYTES]]);
    await scene.central.connect();
    await scene.settle();
    expect(scene.kit.layer(scene.lens, 'live').ranges).toEqual([{ startMs: at(0), endMs: at(10) }]);
    expect(scene.kit.layer(scene.lens, 'fetched').ranges).toEqual([{ startMs: at(10), endMs: at(20) }]);
  });

  it.each([
    ['evicted', 'lost evicted', 'evicted'],
    ['removed', 'lost evicted', 'removed'],
    ['corrupt', 'lost corrupt', 'corrupt'],
  ] as const)('names what the vehicle no longer holds: %s', async (_, state, reason) => {
    for (const seq of [0, 1, 2]) scene.record(seq);
    scene.agent.lose(1, reason);
    await scene.central.connect();
    await scene.settle();
    expect(scene.states(3)).toEqual(['verified', state, 'verified']);
    expect(scene.active()).toBe(0);
  });

  it('ends a request partly done when a segment turns out to be rotten, and says why', async () => {
    for (const seq of [0, 1]) scene.record(seq);
    scene.agent.rot(1);
    await scene.central.connect();
    await scene.pass(5 * SECOND_MS);
    await scene.settle();
    expect(scene.states(2)).toEqual(['verified', 'lost corrupt']);
    const [request] = scene.kit.store.read.requests.newest(undefined, 1);
    expect(request).toMatchObject({ state: 'partly-done', reason: 'DAMAGED' });
  });

  it('stops asking for a segment that never is what the vehicle says, until a person wants it', async () => {
    scene.record(0);
    const held = scene.agent.held.get(0)!;
    const good = Buffer.from(held.bytes);
    held.bytes[5]! ^= 1; // its row says otherwise
    await scene.central.connect();
    await scene.settle();
    expect(scene.active()).toBe(0);
    const asked = scene.agent.fetches.length;
    expect(asked).toBeGreaterThan(0);
    await scene.pass(HOUR_MS, MINUTE_MS);
    expect(scene.agent.fetches.length).toBe(asked);
    good.copy(held.bytes);
    const ranges = RangeSet.of({ startMs: at(0), endMs: at(10) });
    await scene.central.completion.request({ lens: scene.lens, ranges, createdBy: 'somebody' });
    await scene.settle();
    expect(scene.states(1)).toEqual(['verified']);
  });

  it('goes on after a restart where it was, and leaves nothing behind in the inbox', async () => {
    for (const seq of [0, 1]) scene.record(seq);
    scene.agent.mishap = () => 'silent-upload';
    await scene.central.connect();
    await scene.pass(2 * SECOND_MS);
    await scene.restart();
    scene.agent.mishap = () => 'none';
    await scene.central.connect();
    await scene.settle();
    expect(scene.states(2)).toEqual(['verified', 'verified']);
    expect((await scene.kit.check()).findings).toEqual([]);
  });

  it('removes what was uploaded for a request that is cancelled', async () => {
    scene.record(0);
    scene.agent.mishap = () => 'cut';
    await scene.central.connect();
    await scene.pass(2 * SECOND_MS);
    const [request] = scene.kit.store.read.requests.newest(undefined, 1);
    await scene.central.completion.cancel(request!.id, 'CANCELLED_BY_USER');
    await scene.pass(MINUTE_MS, 5 * SECOND_MS);
    expect((await scene.kit.check()).findings).toEqual([]);
    expect(scene.states(1)).toEqual(['missing']);
  });

  it('goes on over a new link that came while the old one was being given up', async () => {
    for (let seq = 0; seq < 6; seq++) scene.record(seq);
    await scene.central.connect();
    await scene.central.connect();
    await scene.settle();
    expect(scene.states(6)).toEqual(new Array(6).fill('verified'));
  });

  it('tries at once over a new link what had been put off over the old one', async () => {
    scene.record(0);
    scene.agent.mishap = () => 'retry';
    await scene.central.connect();
    await scene.pass(3 * MINUTE_MS, SECOND_MS);
    const tried = scene.agent.fetches.length;
    await scene.pass(5 * MINUTE_MS, SECOND_MS);
    expect(scene.agent.fetches.length).toBe(tried);
    scene.agent.mishap = () => 'none';
    await scene.central.connect();
    await scene.pass(5 * SECOND_MS);
    expect(scene.states(1)).toEqual(['verified']);
  });

  it('takes every word of the vehicle twice without harm', async () => {
    for (const seq of [0, 1, 2]) scene.record(seq);
    scene.agent.lose(0, 'evicted');
    scene.agent.times = 2;
    await scene.central.connect();
    await scene.settle();
    expect(scene.states(3)).toEqual(['lost evicted', 'verified', 'verified']);
    const before = snapshot(scene);
    await scene.central.hear({
      type: 'catalogue',
      afterSeq: 0,
      throughSeq: scene.agent.changes.length,
      complete: true,
      changes: scene.agent.changes,
    });
    await scene.stream(1, [[0, SIZE_BYTES]]);
    await scene.settle();
    expect(snapshot(scene)).toEqual(before);
    expect((await scene.kit.check()).findings).toEqual([]);
  });

  const COUNT = 6;
  const aMishap = fc.constantFrom<Mishap>(
    'none',
    'none',
    'silent',
    'retry',
    'cut',
    'garbled',
    'silent-upload',
  );
  const anEvent = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 45 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        { kind: 'cut' as const },
        { kind: 'connect' as const },
        { kind: 'restart' as const },
      ),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('lose' as const), seq: fc.nat(COUNT - 1) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('rot' as const), seq: fc.nat(COUNT - 1) }),
    },
  );
  const someParts = fc.array(
    fc
      .tuple(fc.nat(SIZE_BYTES - 1), fc.nat(SIZE_BYTES - 1))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1] as const),
    { maxLength: 3 },
  );

  it('closes every gap that can be closed and names the others, whatever gets lost, cut, garbled or restarted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(someParts, { minLength: COUNT, maxLength: COUNT }),
        fc.array(anEvent, { maxLength: 10 }),
        fc.array(aMishap, { maxLength: 12 }),
        fc.integer(),
        async (arrived, events, mishaps, seed) => {
          await using chaos = await Scene.create();
          const { agent, kit } = chaos;
          const gone = new Map<number, string>();
          const random = seededRandom(seed);
          for (let seq = 0; seq < COUNT; seq++) {
            chaos.record(seq);
            await chaos.stream(seq, arrived[seq]!);
          }
          agent.mishap = () => mishaps[Math.floor(random.fraction() * mishaps.length)] ?? 'none';
          await chaos.central.connect();
          for (const event of events) {
            if (event.kind === 'pass') await chaos.pass(event.seconds * SECOND_MS, 5 * SECOND_MS);
            else if (event.kind === 'cut') chaos.central.disconnect();
            else if (event.kind === 'connect') await chaos.central.connect();
            else if (event.kind === 'restart') await chaos.restart();
            else if (event.kind === 'rot') agent.rot(event.seq);
            else if (agent.held.has(event.seq)) {
              agent.lose(event.seq, 'evicted');
              gone.set(event.seq, 'lost evicted');
            }
          }
          agent.mishap = () => 'none';
          await chaos.central.connect();
          await chaos.settle();
          await chaos.settle();
          for (const { row, kind } of agent.changes)
            if (kind === 'tombstone' && row.reason === 'corrupt') gone.set(row.seq, 'lost corrupt');
          const story = JSON.stringify({ events, mishaps, arrived });
          chaos.states(COUNT).forEach((state, seq) => {
            const expected = ['verified', ...(gone.has(seq) ? [gone.get(seq)!] : [])];
            expect(expected, `segment ${seq} of ${story}`).toContain(state);
          });
          expect(chaos.active()).toBe(0);
          expect((await kit.check()).findings).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);
});

function snapshot({ kit, lens }: Scene): object {
  kit.store.flush();
  const { read } = kit.store;
  return {
    objects: read.objects.after(0, 100),
    lens: kit.fresh(lens),
    layers: (['held', 'live', 'fetched', 'received', 'lost:evicted'] as const).map(
      (layer) => kit.layer(lens, layer).ranges,
    ),
    requests: read.requests.newest(undefined, 100),
  };
}
