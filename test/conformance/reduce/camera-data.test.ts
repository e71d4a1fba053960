import { parsePosition, readCameraTrack, reduce } from '@gapless/edge-agent/reduce/index';
import { beforeAll, describe, expect, it } from 'vitest';
import { everyBox, boxOf, treeOf, u32 } from './support/box-tree.js';
import { block, dashcamFile } from './support/dashcam.js';
import { gapsOf, padded } from './support/padded.js';
import { withAppended } from './support/rebuilt.js';
import { bytesOf, inMemory, reducedBytes } from './support/reduced.js';
import { laidOutBytes } from './support/sources.js';

const signal = new AbortController().signal;

/** The blocks as the camera's index finds them. */
function indexed(file: Buffer): Buffer[] {
  const index = everyBox(treeOf(file)).find(({ type }) => type === 'gps ')!;
  const found: Buffer[] = [];
  for (let at = index.body + 8; at < index.end; at += 8) {
    const from = file.readUInt32BE(at);
    if (from > 0) found.push(file.subarray(from, from + file.readUInt32BE(at + 4)));
  }
  return found;
}

describe('what a dashcam keeps in free boxes', () => {
  let plain: Buffer;
  beforeAll(async () => {
    plain = await reducedBytes(await laidOutBytes('plain'));
  });

  it('stays, and its index points at it, while padding around it goes', async () => {
    const blocks = [block(7), block(8), block(9)];
    const { file } = dashcamFile(plain, blocks);
    const source = padded(
      file,
      gapsOf(file).map((at) => ({ at, bytes: boxOf('free', new Uint8Array(64)) })),
    );
    const { artifact, cameraBoxes } = await reduce(inMemory(source), signal);
    const after = await bytesOf(artifact);
    expect(after).toEqual(file);
    expect(indexed(after)).toEqual(blocks);
    expect(cameraBoxes).toHaveLength(3);
  });

  it('stays where the index names a box that shows no sign of it', async () => {
    const odd = boxOf('free', Buffer.alloc(500, 3));
    const { file } = dashcamFile(plain, [odd]);
    const source = padded(file, [{ at: file.indexOf(odd), bytes: boxOf('skip', new Uint8Array(9)) }]);
    expect(await reducedBytes(source)).toEqual(file);
  });

  it('stays without an index, too', async () => {
    const file = Buffer.concat([plain, block(1), boxOf('skip', boxOf('gps ', '[1]$GPRMC'), Buffer.alloc(4))]);
    expect(await reducedBytes(Buffer.concat([file, boxOf('free', new Uint8Array(5))]))).toEqual(file);
  });

  it('is re-pointed among the samples, where some cameras put it', async () => {
    const blocks = [block(1), block(2)];
    const [ftyp, mdat, moov] = treeOf(plain);
    const body = Buffer.concat([plain.subarray(mdat!.body, mdat!.end), ...blocks]);
    const first = mdat!.at + 8 + mdat!.end - mdat!.body;
    const index = boxOf('gps ', u32(0x101, 2), u32(first, 176, first + blocks[0]!.length, 176));
    const tail = withAppended(plain.subarray(moov!.at), 'moov', index);
    const file = Buffer.concat([plain.subarray(0, ftyp!.end), boxOf('mdat', body), tail]);
    const source = padded(file, [{ at: ftyp!.end, bytes: boxOf('free', new Uint8Array(1000)) }]);
    expect(await reducedBytes(source)).toEqual(file);
  });

  it('makes the file refused where the index points at nothing known', async () => {
    const { file, offsets } = dashcamFile(plain, [block(1)]);
    const broken = Buffer.concat([file, boxOf('free', new Uint8Array(100))]);
    const index = everyBox(treeOf(broken)).find(({ type }) => type === 'gps ')!;
    broken.writeUInt32BE(offsets[0]! + 8, index.body + 8);
    await expect(reducedBytes(broken)).rejects.toMatchObject({ code: 'REDUCE_REFUSED' });
  });

  it('tells where the vehicle was, as far as there was a fix', async () => {
    const { file } = dashcamFile(plain, [block(7), block(8, 'V'), block(9)]);
    const source = inMemory(file);
    const track = await readCameraTrack(source, await reduce(source, signal), signal);
    expect(track.blocks).toBe(3);
    expect(track.positions.map(({ atMs }) => new Date(atMs).toISOString())).toEqual([
      '2026-08-22T14:22:07.000Z',
      '2026-08-22T14:22:09.000Z',
    ]);
    expect(parsePosition(block(7))).toMatchObject({
      latitude: expect.closeTo(48 + 7.038 / 60, 5) as number,
      longitude: expect.closeTo(11 + 31 / 60, 5) as number,
      speedMetresPerSec: expect.closeTo(5.14444, 4) as number,
      courseDegrees: 84.5,
    });
  });
});
