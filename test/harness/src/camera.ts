import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { owned } from './children.js';
import type { CodedFrame } from './frame-hashes.js';
import { hashFrames } from './frame-hashes.js';

export interface CameraOptions {
  readonly ffmpeg: string;
  /** Directory for the copy of what the camera made. */
  readonly dir: string;
  readonly name: string;
  readonly size?: string;
  readonly fps?: number;
  readonly gopFrames?: number;
  readonly bitrate?: string;
  /** Further encoder options, such as B-frames. */
  readonly encoder?: readonly string[];
  /**
   * TrueType font for the clock and the frame counter that are burnt in, relative to `dir`; without it only the test
   * picture's own counter is there.
   */
  readonly font?: string | undefined;
  /** What is burnt in before the clock, in letters, digits, spaces and `-_/.`; by default the name. */
  readonly caption?: string;
  /** Turns the colours of the test picture, to tell lenses apart at a glance. */
  readonly hueDegrees?: number;
  readonly tone?: number;
}

/**
 * A camera: one ffmpeg that encodes a moving test picture with sound, hands it to whoever connects first, and keeps a
 * copy of every coded frame, to hold against what became of them.
 */
export class Camera implements AsyncDisposable {
  /** What the agent reads. */
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #truthPath: string;
  readonly #ffmpeg: string;
  #complaint = '';

  private constructor(child: ChildProcess, made: { url: string; truthPath: string; ffmpeg: string }) {
    const { url, truthPath, ffmpeg } = made;
    this.#child = child;
    this.#ffmpeg = ffmpeg;
    this.url = url;
    this.#truthPath = truthPath;
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.#complaint = (this.#complaint + text).slice(-2_000)));
  }

  static async start(options: CameraOptions): Promise<Camera> {
    const port = await freePort();
    // Relative to its working directory: filters and outputs of ffmpeg have characters of their own in paths.
    const truth = `${options.name}.camera.mkv`;
    const child = owned(
      spawn(options.ffmpeg, cameraArguments(options, port, truth), {
        stdio: ['ignore', 'ignore', 'pipe'],
        cwd: options.dir,
      }),
    );
    const truthPath = join(options.dir, truth);
    return new Camera(child, { url: `tcp://127.0.0.1:${port}`, truthPath, ffmpeg: options.ffmpeg });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get complaint(): string {
    return this.#complaint;
  }

  /** Every frame that it made until about half a second ago, or all of them once it has stopped. */
  made(): Promise<CodedFrame[]> {
    return hashFrames(this.#ffmpeg, this.#truthPath, []);
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGINT');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await gone;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function cameraArguments(options: CameraOptions, port: number, truth: string): string[] {
  const { size = '640x360', fps = 25, gopFrames = 50, bitrate = '800k', encoder = [], tone = 440 } = options;
  const filters = filtersOf(options);
  return [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-y'],
    ...['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${fps}`],
    ...['-re', '-f', 'lavfi', '-i', `sine=frequency=${tone}:sample_rate=48000`],
    ...(filters === '' ? [] : ['-vf', filters]),
    ...['-map', '0:v', '-map', '1:a'],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-pix_fmt',
      'yuv420p',
      '-g',
      String(gopFrames),
      '-sc_threshold',
      '0',
      '-b:v',
      bitrate,
    ],
    ...encoder,
    ...['-c:a', 'aac', '-b:a', '64k', '-flags', '+global_header'],
    ...[
      '-f',
      'tee',
      `[f=matroska]tcp://127.0.0.1:${port}?listen=1|[f=matroska:flush_packets=1:cluster_time_limit=500]${truth}`,
    ],
  ];
}

function filtersOf({ name, caption = name, font, hueDegrees }: CameraOptions): string {
  const clock = String.raw`%{gmtime\:%H\\\:%M\\\:%S} UTC`;
  const look = 'x=16:y=h-44:fontsize=24:fontcolor=white:box=1:boxcolor=black:boxborderw=8';
  return [
    ...(hueDegrees === undefined ? [] : [`hue=h=${hueDegrees}`]),
    ...(font === undefined
      ? []
      : [`drawtext=fontfile=${font}:text='${caption}  ${clock}  frame %{n}':${look}`]),
  ].join(',');
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
