import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Daemon, runCommand, scripts } from './daemon.js';
import type { CutMode } from './link-proxy.js';
import { LinkProxy } from './link-proxy.js';

export interface CentralPlace {
  readonly daemon: Daemon;
  readonly dataDir: string;
  /** Base URL of the API. */
  readonly url: string;
  readonly sftp: { readonly host: string; readonly port: number };
  readonly token: string;
}

export interface CentralSettings {
  readonly dir: string;
  /** Where vehicles are told that the SFTP server is: behind the link that can be cut. */
  readonly advertise?: string;
  /** Further configuration, as YAML text. */
  readonly yaml?: string;
  readonly script?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly host?: string;
  readonly http?: number;
  readonly sftp?: number;
}

/** Starts central as a separate process on free ports. */
export async function startCentral(settings: CentralSettings): Promise<CentralPlace> {
  const { host = '127.0.0.1' } = settings;
  const dataDir = join(settings.dir, 'central');
  const configPath = join(settings.dir, 'central.yml');
  await mkdir(dataDir, { recursive: true });
  const sftp = settings.advertise === undefined ? '' : `sftp: { advertise: "${settings.advertise}" }\n`;
  await writeFile(configPath, `dataDir: ${dataDir}\n${sftp}${settings.yaml ?? ''}`);
  const { daemon, event } = await Daemon.start({
    script: settings.script ?? scripts.central,
    args: [
      'run',
      '--config',
      configPath,
      '--http',
      `${host}:${settings.http ?? 0}`,
      '--sftp',
      `${host}:${settings.sftp ?? 0}`,
    ],
    until: 'listening',
    ...(settings.env ? { env: settings.env } : {}),
  });
  const port = Number(String(event['sftp']).split(':').at(-1));
  const token = (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim();
  return { daemon, dataDir, url: String(event['http']), sftp: { host, port }, token };
}

export interface LensSettings {
  readonly input: string;
  /** Further options of ffmpeg for the input. */
  readonly options?: readonly string[];
  readonly live?: 'push' | 'off';
}

export interface VehicleSettings {
  readonly dir: string;
  readonly name: string;
  readonly lenses: Readonly<Record<string, LensSettings>>;
  readonly ffmpeg: string;
  /** Where the vehicle finds central: the near end of its link. */
  readonly centralUrl: string;
  readonly segmentDuration?: string;
  /** In place of the default, which wants little of a test machine's disk. */
  readonly storageYaml?: string;
  readonly yaml?: string;
  readonly script?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface VehiclePlace {
  readonly daemon: Daemon;
  readonly configPath: string;
  readonly stateDir: string;
  readonly recordingsDir: string;
}

/** Writes a vehicle's configuration; returns where. */
export async function configureVehicle(settings: VehicleSettings): Promise<Omit<VehiclePlace, 'daemon'>> {
  const stateDir = join(settings.dir, settings.name);
  const configPath = join(settings.dir, `${settings.name}.yml`);
  await mkdir(stateDir, { recursive: true });
  const lenses = Object.entries(settings.lenses).map(
    ([name, { input, options = [], live = 'push' }]) =>
      `  ${name}: { input: { url: "${input}", options: ${JSON.stringify(options)} }, live: ${live} }`,
  );
  const text = [
    `vehicle: ${settings.name}`,
    `central: { url: "${settings.centralUrl}" }`,
    `stateDir: ${stateDir}`,
    `ffmpeg: ${settings.ffmpeg}`,
    `storage: ${settings.storageYaml ?? '{ minFree: 50MB }'}`,
    `recording: { segmentDuration: ${settings.segmentDuration ?? '10s'} }`,
    'lenses:',
    ...lenses,
    settings.yaml ?? '',
  ].join('\n');
  await writeFile(configPath, text);
  return { configPath, stateDir, recordingsDir: join(stateDir, 'recordings') };
}

/** Enrols a vehicle at central: a claim code from the one, redeemed by the other. */
export async function enrol(
  central: Pick<CentralPlace, 'dataDir'>,
  vehicle: { name: string; configPath: string; centralUrl: string; prefix?: readonly string[] },
): Promise<void> {
  const claim = await runCommand(scripts.central, [
    'enroll',
    vehicle.name,
    '--data',
    central.dataDir,
    '--json',
  ]);
  if (claim.code !== 0) throw new Error(`no claim code: ${claim.stderr}`);
  const { code } = JSON.parse(claim.stdout) as { code: string };
  const done = await runCommand(
    scripts.edge,
    ['enroll', '--central', vehicle.centralUrl, '--code', code, '--config', vehicle.configPath],
    vehicle.prefix ? { prefix: vehicle.prefix } : {},
  );
  if (done.code !== 0) throw new Error(`not enrolled: ${done.stderr}`);
}

/** Starts the agent of a configured vehicle as a separate process. */
export async function startVehicle(
  place: Omit<VehiclePlace, 'daemon'>,
  options: { script?: string; env?: Readonly<Record<string, string>>; prefix?: readonly string[] } = {},
): Promise<VehiclePlace> {
  const { daemon } = await Daemon.start({
    script: options.script ?? scripts.edge,
    args: ['run', '--config', place.configPath],
    until: 'recording',
    ...(options.env ? { env: options.env } : {}),
    ...(options.prefix ? { prefix: options.prefix } : {}),
  });
  return { ...place, daemon };
}

/**
 * A vehicle's link to central, WebSocket and SFTP, cut together. To the vehicle central stands at another address of
 * this machine (all of 127.0.0.0/8 is loopback), on the same ports as the real one.
 */
export class VehicleLink implements AsyncDisposable {
  readonly web: LinkProxy;
  readonly sftp: LinkProxy;
  /** What the vehicle's configuration names as central. */
  readonly centralUrl: string;

  private constructor(web: LinkProxy, sftp: LinkProxy, centralUrl: string) {
    this.web = web;
    this.sftp = sftp;
    this.centralUrl = centralUrl;
  }

  /** @param number tells the links of several vehicles apart, from 1 */
  static async start(central: Pick<CentralPlace, 'url' | 'sftp'>, number: number): Promise<VehicleLink> {
    const { hostname, port } = new URL(central.url);
    const host = `127.0.1.${number}`;
    const web = await LinkProxy.start({ host: hostname, port: Number(port) }, { host, port: Number(port) });
    const sftp = await LinkProxy.start(central.sftp, { host, port: central.sftp.port });
    return new VehicleLink(web, sftp, `ws://${host}:${port}`);
  }

  cut(mode: CutMode = 'silent'): void {
    this.web.cut(mode);
    this.sftp.cut(mode);
  }

  /** Cuts both connections in the middle of what one of them carries; resolves then. */
  cutAmid(carrying: 'web' | 'sftp', upBytes: number, mode: CutMode): Promise<void> {
    return new Promise((resolve) =>
      this[carrying].cutAfter(upBytes, () => {
        this.cut(mode);
        resolve();
      }),
    );
  }

  restore(): void {
    this.web.restore();
    this.sftp.restore();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.web[Symbol.asyncDispose]();
    await this.sftp[Symbol.asyncDispose]();
  }
}
