import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Camera } from '@gapless/harness/camera';
import { CentralClient } from '@gapless/harness/central-client';
import { endChildren } from '@gapless/harness/children';
import type { CentralPlace, VehiclePlace } from '@gapless/harness/fleet';
import { configureVehicle, enrol, startCentral, startVehicle, VehicleLink } from '@gapless/harness/fleet';
import { errnoOf } from '@gapless/shared/errors';
import { Disposal } from '@gapless/shared/lifecycle';
import type { EpochMs } from '@gapless/shared/time';
import { systemClock } from '@gapless/shared/time';
import type { CastVehicle } from './cast.js';
import { FPS, vehicles } from './cast.js';
import { Failure } from './failure.js';

/** A vehicle with its cameras and its link, all on this machine. */
export interface SceneVehicle {
  readonly cast: CastVehicle;
  readonly place: VehiclePlace;
  readonly link: VehicleLink;
  /** By `vehicle/lens`. */
  readonly cameras: ReadonlyMap<string, Camera>;
}

const FONT = 'font.ttf';

/** Central, the vehicles and the cameras: each a process of its own, in one temporary directory, on loopback. */
export class Scene implements AsyncDisposable {
  /** The temporary directory. */
  readonly dir: string;
  /** Nothing was recorded before. */
  readonly startedMs: EpochMs = systemClock.nowMs();
  readonly #ffmpeg: string;
  readonly #owned = new Disposal();
  readonly #vehicles: SceneVehicle[] = [];
  /** Names in {@link dir} that stay. */
  readonly #kept = new Set<string>();
  #central: CentralPlace | undefined;
  #client: CentralClient | undefined;
  #closing = false;

  private constructor(dir: string, ffmpeg: string) {
    this.dir = dir;
    this.#ffmpeg = ffmpeg;
  }

  static async open(ffmpeg: string): Promise<Scene> {
    return new Scene(await mkdtemp(join(tmpdir(), 'gapless-demo-')), ffmpeg);
  }

  get central(): CentralPlace {
    return this.#central!;
  }

  /** Speaks to central as its administrator. */
  get client(): CentralClient {
    return this.#client!;
  }

  /** Starts everything; resolves when all vehicles are connected. Says what is ready as soon as it is. */
  async start(say: (sentence: string) => void): Promise<void> {
    const require = createRequire(import.meta.url);
    // Beside the cameras, because a path in a filter of ffmpeg would need escaping twice.
    await copyFile(require.resolve('dejavu-fonts-ttf/ttf/DejaVuSansMono.ttf'), join(this.dir, FONT));
    const central = await startCentral({ dir: this.dir });
    this.#owned.use(central.daemon);
    this.#central = central;
    const client = new CentralClient(central.url, central.token);
    this.#client = client;
    say('central is up');
    await Promise.all(
      vehicles.map(async (cast, index) => {
        await this.#startVehicle(cast, index + 1);
        await client.connected(cast.name);
        say(`${cast.name} is enrolled, and connected with ${cast.lenses.length} lenses`);
      }),
    );
  }

  vehicle(name: string): SceneVehicle {
    return this.#vehicles.find(({ cast }) => cast.name === name)!;
  }

  camera(path: string): Camera {
    return this.#vehicles.flatMap(({ cameras }) => cameras.get(path) ?? [])[0]!;
  }

  /** What has ended that should run, as a sentence. */
  fallen(): string | undefined {
    if (this.#closing) return undefined;
    if (!this.central.daemon.isRunning) return `central has ended. ${lastWords(this.central.daemon.log)}`;
    for (const { cast, place, cameras } of this.#vehicles) {
      if (!place.daemon.isRunning)
        return `The agent of ${cast.name} has ended. ${lastWords(place.daemon.log)}`;
      for (const [path, camera] of cameras)
        if (!camera.isRunning) return `The camera of ${path} has ended. ${camera.complaint.trim()}`;
    }
    return undefined;
  }

  /** Lets a file in the temporary directory stay when everything else is removed. */
  keep(path: string): void {
    this.#kept.add(basename(path));
  }

  /** Ends everything, orderly, and removes all files but the kept ones. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await this.#owned[Symbol.asyncDispose]().catch(() => undefined);
    await this.#close();
  }

  /** Ends everything at once. */
  async abandon(): Promise<void> {
    this.#closing = true;
    await this.#close();
  }

  async #close(): Promise<void> {
    await endChildren();
    const left = await readdir(this.dir).catch(() => []);
    const removed = left.filter((name) => !this.#kept.has(name));
    for (const name of removed) await rm(join(this.dir, name), { recursive: true, force: true });
    if (removed.length === left.length) await rm(this.dir, { recursive: true, force: true });
  }

  async #startVehicle(cast: CastVehicle, number: number): Promise<void> {
    const central = this.central;
    const link = this.#owned.use(await startLink(central, number));
    const cameras = new Map<string, Camera>();
    for (const { path, lens, hueDegrees, tone } of cast.lenses) {
      const camera = await Camera.start({
        ffmpeg: this.#ffmpeg,
        dir: this.dir,
        name: `${cast.name}-${lens}`,
        fps: FPS,
        caption: `${cast.name} ${lens}`,
        font: FONT,
        hueDegrees,
        tone,
        encoder: ['-bf', '2'],
      });
      cameras.set(path, this.#owned.use(camera));
    }
    const place = await configureVehicle({
      dir: this.dir,
      name: cast.name,
      ffmpeg: this.#ffmpeg,
      centralUrl: link.centralUrl,
      lenses: Object.fromEntries(
        cast.lenses.map(({ path, lens }) => [lens, { input: cameras.get(path)!.url }]),
      ),
    });
    await enrol(central, { name: cast.name, configPath: place.configPath, centralUrl: link.centralUrl });
    const started = await startVehicle(place);
    this.#owned.use(started.daemon);
    this.#vehicles.push({ cast, place: started, link, cameras });
  }
}

/** Each vehicle reaches central by an address of its own, all of which are loopback; not every system lets them be used. */
async function startLink(central: CentralPlace, number: number): Promise<VehicleLink> {
  try {
    return await VehicleLink.start(central, number);
  } catch (thrown) {
    if (errnoOf(thrown) !== 'EADDRNOTAVAIL') throw thrown;
    throw new Failure(
      `This system does not let the address 127.0.1.${number} be used. On macOS: sudo ifconfig lo0 alias 127.0.1.${number}`,
    );
  }
}

function lastWords(log: readonly unknown[]): string {
  const last = log.at(-1);
  return last === undefined ? '' : typeof last === 'string' ? last : JSON.stringify(last);
}
