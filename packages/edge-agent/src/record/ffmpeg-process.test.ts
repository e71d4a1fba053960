import { FragmentSplitter } from '@gapless/shared/isobmff';
import { systemClock } from '@gapless/shared/time';
import { describe, expect, it } from 'vitest';
import { sourceFile } from '../../../../fixtures/media/index.js';
import { requireFfmpeg, startFfmpeg } from './ffmpeg-process.js';
import { recorderCommand } from './recorder-input.js';

describe('startFfmpeg', () => {
  it('makes fragmented MP4 of an input, and finishes the last fragment when it is asked to stop', async () => {
    const input = { url: `file:${await sourceFile('tiny')}?loop`, options: [], audio: 'auto' } as const;
    const child = startFfmpeg('ffmpeg', recorderCommand(input, 'carry'), systemClock);
    const splitter = new FragmentSplitter();
    const pieces: string[] = [];
    for await (const chunk of child.output) {
      for (const piece of splitter.push(chunk)) pieces.push(piece.kind);
      if (pieces.length === 3) child.stop();
    }
    expect(pieces.slice(0, 3)).toEqual(['init', 'fragment', 'fragment']);
    expect(splitter.pendingBytes).toBe(0);
    expect(await child.ended).toMatchObject({ signal: undefined, spawnError: undefined });
  });

  it('says how a child ended and what it said last', async () => {
    const input = { url: 'file:/nowhere/camera.mp4', options: [], audio: 'auto' } as const;
    const child = startFfmpeg('ffmpeg', recorderCommand(input, 'carry'), systemClock);
    for await (const chunk of child.output) expect(chunk).toBeUndefined();
    const { exitCode, stderrTail } = await child.ended;
    expect(exitCode).not.toBe(0);
    expect(stderrTail).toContain('No such file or directory');
  });

  it('ends also when there is nothing to start', async () => {
    const child = startFfmpeg('/nowhere/ffmpeg', { args: [], script: undefined }, systemClock);
    for await (const chunk of child.output) expect(chunk).toBeUndefined();
    expect(await child.ended).toMatchObject({ spawnError: 'ENOENT' });
    child.kill();
  });
});

describe('requireFfmpeg', () => {
  it('is content with one that runs', async () => {
    await expect(requireFfmpeg('ffmpeg')).resolves.toBeUndefined();
  });

  it.each([
    ['/nowhere/ffmpeg', 'there is no /nowhere/ffmpeg'],
    ['no-such-ffmpeg', 'there is no no-such-ffmpeg on the PATH'],
    ['false', 'false -version ended with code 1'],
  ])('refuses %s', async (command, reason) => {
    const failure = { code: 'FFMPEG_MISSING', message: `ffmpeg cannot be run: ${reason}` };
    await expect(requireFfmpeg(command)).rejects.toMatchObject(failure);
  });
});
