import type { Change } from '@gapless/shared/protocol';
import { describe, expect, it } from 'vitest';
import { CatalogueFeed } from './catalogue-feed.js';

/** An index that only knows how many changes there are. */
class Changes {
  count = 0;

  after(afterSeq: number, limit: number): { changes: Change[]; throughSeq: number; complete: boolean } {
    const throughSeq = Math.min(this.count, afterSeq + limit);
    const changes = Array.from(
      { length: throughSeq - afterSeq },
      (_, i) => ({ kind: 'run', seq: afterSeq + i + 1 }) as unknown as Change,
    );
    return { changes, throughSeq, complete: throughSeq === this.count };
  }
}

interface Sent {
  readonly afterSeq: number;
  readonly throughSeq: number;
  readonly complete: boolean;
}

describe(CatalogueFeed, () => {
  it('sends what changed, two messages ahead of the acknowledgements', () => {
    const source = new Changes();
    source.count = 1_800;
    const sent: Sent[] = [];
    const feed = new CatalogueFeed(source, 0, (message) => sent.push(message as Sent));
    feed.pump();
    expect(sent.map(({ afterSeq, throughSeq }) => [afterSeq, throughSeq])).toEqual([
      [0, 500],
      [500, 1_000],
    ]);
    feed.acknowledged(500);
    feed.acknowledged(1_000);
    feed.acknowledged(1_500);
    expect(sent.map(({ throughSeq }) => throughSeq)).toEqual([500, 1_000, 1_500, 1_800]);
    expect(sent.map(({ complete }) => complete)).toEqual([false, false, false, true]);
  });

  it('begins where central says it got to, and is silent when there is nothing new', () => {
    const source = new Changes();
    source.count = 7;
    const sent: Sent[] = [];
    const feed = new CatalogueFeed(source, 7, (message) => sent.push(message as Sent));
    feed.pump();
    expect(sent).toEqual([]);
    source.count = 9;
    feed.pump();
    expect(sent).toMatchObject([{ afterSeq: 7, throughSeq: 9, complete: true }]);
  });
});
