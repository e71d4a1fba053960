import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CliOutput } from '@gapless/shared/cli';
import { AppError, errnoOf } from '@gapless/shared/errors';
import { ExtentList } from '@gapless/shared/extents';
import { diskError, nodeDisk } from '@gapless/shared/fs';
import type { Command } from 'commander';
import type { CameraTrack } from '../reduce/index.js';
import { gpxOf, readCameraTrack, reduce, requireFree, writeFile } from '../reduce/index.js';
import type { CliContext } from './context.js';

/** It works on any machine: without a configuration and without an agent. */
type ReduceContext = Pick<CliContext, 'shutdown' | 'step'>;

interface ReduceOptions {
  readonly gpx?: string;
  readonly force?: true;
}

export function addReduceCommand(program: Command, output: CliOutput, context: ReduceContext): void {
  program
    .command('reduce')
    .description('write an MP4 file without its padding; pictures and sound stay as they are')
    .argument('<in>', 'the file to reduce; it is only read')
    .argument('<out>', 'the file to write')
    .option('--gpx <file>', "write the positions that the file's camera noted to this file, too")
    .option('--force', 'replace files that are there already')
    .action(async (input: string, out: string, options: ReduceOptions) => {
      const done = await run({ input, out, options }, output, context);
      if (done.gpx?.positions === 0) output.partlyDone();
      output.print(done, () => summary(done));
    });
}

interface Job {
  readonly input: string;
  readonly out: string;
  readonly options: ReduceOptions;
}

interface Done {
  readonly out: string;
  readonly sizeBytes: number;
  readonly savedBytes: number;
  readonly removedBoxes: number;
  /** Boxes in the guise of padding in which a camera keeps what it measured. */
  readonly keptCameraBoxes: number;
  readonly gpx: { readonly path: string; readonly positions: number; readonly blocks: number } | undefined;
}

async function run(job: Job, output: CliOutput, { shutdown: signal, step }: ReduceContext): Promise<Done> {
  const { input, out, options } = job;
  const source = await sourceOf(job);
  const force = options.force ?? false;
  if (!force) for (const path of outputsOf(job)) await requireFree(nodeDisk, path);
  const reduction = await reduce(source, signal);
  const { artifact, savedBytes, removedBoxes, cameraBoxes } = reduction;
  const track = options.gpx === undefined ? undefined : await readCameraTrack(source, reduction, signal);
  const disk = nodeDisk;
  {
    using progress = output.progress(`reducing ${input}`);
    const onProgress = (done: number): void =>
      progress.update({ done, total: artifact.length, note: `${mb(done)} of ${mb(artifact.length)}` });
    await writeFile(artifact, out, { disk, force, step, signal, onProgress });
  }
  if (options.gpx !== undefined && track && track.positions.length > 0)
    await writeFile(gpxExtents(track), options.gpx, { disk, force, step, signal });
  const gpx =
    options.gpx === undefined || !track
      ? undefined
      : { path: options.gpx, positions: track.positions.length, blocks: track.blocks };
  const keptCameraBoxes = cameraBoxes.length;
  return { out, sizeBytes: artifact.length, savedBytes, removedBoxes, keptCameraBoxes, gpx };
}

function gpxExtents({ positions }: CameraTrack): ExtentList {
  return new ExtentList([{ kind: 'bytes', bytes: Buffer.from(gpxOf(positions)) }]);
}

function outputsOf({ out, options }: Job): string[] {
  return options.gpx === undefined ? [out] : [out, options.gpx];
}

/** The input, proven to be a file that none of the outputs would replace. */
async function sourceOf(job: Job): Promise<ExtentList> {
  const { input } = job;
  const found = await statOf(input);
  if (!found) throw new AppError('INPUT_MISSING', `there is no file ${input}`);
  if (!found.isFile()) throw new AppError('ARGUMENT_INVALID', `${input} is not a file`);
  for (const path of outputsOf(job)) {
    const there = await statOf(path);
    // By identity, not by name: a link is the same file, too.
    if (there?.dev === found.dev && there.ino === found.ino)
      throw new AppError('ARGUMENT_INVALID', `${path} is the input itself`, {
        hint: 'Write to another file; compare it, then replace the input if you like.',
      });
    if (there && !there.isFile()) throw new AppError('ARGUMENT_INVALID', `${path} is not a file`);
  }
  if (job.options.gpx !== undefined && resolve(job.options.gpx) === resolve(job.out))
    throw new AppError('ARGUMENT_INVALID', `${job.out} cannot be both the video and the positions`);
  return new ExtentList([{ kind: 'file', path: input, offset: 0, length: found.size }]);
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return undefined;
    throw diskError('read', path, thrown);
  }
}

function summary({ out, sizeBytes, savedBytes, removedBoxes, keptCameraBoxes, gpx }: Done): string {
  const percent = ((100 * savedBytes) / Math.max(1, sizeBytes + savedBytes)).toFixed(1);
  const lines = [
    savedBytes === 0
      ? `${out}: nothing to save; the copy is the same bytes (${mb(sizeBytes)}).`
      : `${out}: ${mb(sizeBytes)}, ${savedBytes} bytes saved (${percent} %, ${counted(removedBoxes, 'box', 'boxes')} of padding).`,
  ];
  if (keptCameraBoxes > 0)
    lines.push(`Kept ${counted(keptCameraBoxes, 'box', 'boxes')} with what the camera measured.`);
  if (gpx) {
    const blocks = `${counted(gpx.blocks, 'block', 'blocks')} of camera data`;
    lines.push(
      gpx.positions === 0
        ? `No positions found (${blocks}), so ${gpx.path} was not written.`
        : `${gpx.path}: ${counted(gpx.positions, 'position', 'positions')} out of ${blocks}.`,
    );
  }
  return lines.join('\n');
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
