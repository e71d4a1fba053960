import { link, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliIo } from '@gapless/shared/cli';
import { runCli } from '@gapless/shared/cli';
import { AppError } from '@gapless/shared/errors';
import { SimulatedClock } from '@gapless/shared/time';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { run as ffmpeg, sourceFile } from '../../../../fixtures/media/index.js';
import { addReduceCommand } from './reduce-command.js';

const STEPS = ['reduce:1-write', 'reduce:2-sync-file', 'reduce:3-publish', 'reduce:4-sync-directory'];

let dir: string;
let input: string;
let out: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gapless-reduce-'));
  [input, out] = [join(dir, 'in.mp4'), join(dir, 'out.mp4')];
  await ffmpeg('ffmpeg', ['-i', await sourceFile('tiny'), '-c', 'copy', '-moov_size', '100000', input]);
});
afterEach(() => rm(dir, { recursive: true }));

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

async function reduce(args: readonly string[], step: (name: string) => void = () => undefined): Promise<Ran> {
  const ran = { out: '', err: '', exitCode: 0 };
  const io: CliIo = {
    stdout: { write: (text) => (ran.out += text) },
    stderr: { write: (text) => (ran.err += text) },
    isTty: false,
    columns: 80,
    rows: 24,
    env: {},
    clock: new SimulatedClock(),
    setExitCode: (code) => (ran.exitCode = code),
  };
  const context = {
    shutdown: new AbortController().signal,
    env: {},
    step,
    bootId: async () => 'boot',
    clock: io.clock,
    stdout: process.stdout,
  };
  await runCli(
    {
      name: 'gapless-edge',
      version: '1',
      summary: 'A test.',
      addCommands: (program, output) => addReduceCommand(program, output, context),
    },
    ['reduce', ...args],
    io,
  );
  return ran;
}

/** A camera's block with a position, in the guise of padding. */
function cameraBlock(): Buffer {
  const block = Buffer.alloc(120);
  block.writeUInt32BE(block.length);
  block.write('freeGPS ', 4, 'latin1');
  [14, 22, 7, 26, 8, 22].forEach((value, i) => block.writeUInt32LE(value, 48 + 4 * i));
  block.write('ANE', 72, 'latin1');
  [4807, 1131, 10, 84].forEach((value, i) => block.writeFloatLE(value, 76 + 4 * i));
  return block;
}

describe('gapless-edge reduce', () => {
  it('writes the smaller file and says how much was saved', async () => {
    const ran = await reduce([input, out]);
    const [before, after] = [await readFile(input), await readFile(out)];
    expect(ran.exitCode).toBe(0);
    expect(ran.out).toContain(`${before.length - after.length} bytes saved`);
    expect(before.length - after.length).toBeGreaterThan(50_000);
    expect(ran.err).toContain('100 %');
    expect(await readdir(dir)).toEqual(['in.mp4', 'out.mp4']);
  });

  it('tells programs in JSON, and saves nothing the second time', async () => {
    await reduce([input, out]);
    const again = join(dir, 'again.mp4');
    const ran = await reduce([out, again, '--json']);
    expect(JSON.parse(ran.out)).toMatchObject({ out: again, savedBytes: 0, removedBoxes: 0 });
    expect(await readFile(again)).toEqual(await readFile(out));
  });

  it('replaces a file only when it is told to', async () => {
    await writeFile(out, 'mine');
    const ran = await reduce([input, out]);
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toContain('--force');
    expect(await readFile(out, 'utf8')).toBe('mine');
    expect((await reduce([input, out, '--force'])).exitCode).toBe(0);
    expect((await readFile(out)).length).toBeGreaterThan(1000);
  });

  it('never writes to its own input, under any name', async () => {
    const before = await readFile(input);
    await link(input, out);
    for (const args of [
      [input, input],
      [input, out],
      [input, join(dir, 'x.mp4'), '--gpx', input],
    ])
      expect((await reduce([...args, '--force'])).exitCode).toBe(2);
    expect(await readFile(input)).toEqual(before);
  });

  it('says that there is no such file, or that it is none', async () => {
    expect((await reduce([join(dir, 'nothing.mp4'), out])).exitCode).toBe(4);
    expect((await reduce([dir, out])).exitCode).toBe(2);
    expect(await readdir(dir)).toEqual(['in.mp4']);
  });

  it('refuses what it cannot prove, and leaves nothing behind', async () => {
    await writeFile(input, (await readFile(input)).subarray(0, 3000));
    const ran = await reduce([input, out]);
    expect(ran.exitCode).toBe(1);
    expect(ran.err).toContain('the file is not reduced: free at byte');
    expect(ran.err).toContain('Use the file as it is');
    expect(await readdir(dir)).toEqual(['in.mp4']);
  });

  it('writes the positions that the camera noted', async () => {
    await writeFile(input, Buffer.concat([await readFile(input), cameraBlock()]));
    const gpx = join(dir, 'way.gpx');
    const ran = await reduce([input, out, '--gpx', gpx]);
    expect(ran.exitCode).toBe(0);
    expect(ran.out).toContain('1 position out of 1 block');
    expect(await readFile(gpx, 'utf8')).toContain('<time>2026-08-22T14:22:07.000Z</time>');
    expect((await readFile(out)).includes('freeGPS ')).toBe(true);
  });

  it('is only partly done when positions were wanted and there are none', async () => {
    const ran = await reduce([input, out, '--gpx', join(dir, 'way.gpx')]);
    expect(ran.exitCode).toBe(5);
    expect(await readdir(dir)).toEqual(['in.mp4', 'out.mp4']);
  });

  test.each(STEPS)('leaves the old file or the whole new one when it ends at %s', async (last) => {
    await writeFile(out, 'old');
    await reduce([input, out, '--force'], (step) => {
      if (step === last) throw new AppError('CANCELLED', 'ended here');
    });
    const [found, whole] = [await readFile(out), join(dir, 'whole.mp4')];
    await reduce([input, whole]);
    if (last === STEPS.at(-1)) expect(found).toEqual(await readFile(whole));
    else expect(found.toString()).toBe('old');
    expect(await readdir(dir)).toEqual(['in.mp4', 'out.mp4', 'whole.mp4']);
  });
});
