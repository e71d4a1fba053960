import { describe, expect, it } from 'vitest';
import { recorded } from '../../../../fixtures/media/index.js';
import { front, Place, Recordings } from '../../../../test/support/edge/recordings.js';

describe('smoke', () => {
  it('records, checks clean', async () => {
    await using place = await Place.make();
    const bytes = await recorded('tiny');
    {
      await using recordings = new Recordings(place);
      await recordings.begin(front);
      await recordings.record(front, bytes);
      await recordings.record(front, bytes);
      console.log(recordings.reader.segments.totalBytes(), recordings.reader.changeSeq);
    }
    const recordings = new Recordings(place);
    expect(await recordings.check()).toEqual([]);
    await recordings.crash();
  });
});
