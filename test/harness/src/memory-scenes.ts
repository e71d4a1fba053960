import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { systemClock } from '@gapless/shared/time';
import { CentralClient, eventually } from './central-client.js';
import { scripts } from './daemon.js';
import { speedOf } from './fast-clock.js';
import { configureVehicle, enrol, startCentral, startVehicle } from './fleet.js';
import type { MemoryCurve } from './memory-watch.js';
import { watchMemory } from './memory-watch.js';

/** What a scene came to. */
export interface MemoryScene {
  readonly agent: MemoryCurve;
  readonly central: MemoryCurve;
  /** Segments that central had proven at its end. */
  readonly verified: number;
}

const VEHICLE = 'bus-042';

/**
 * Both daemons on clocks that run `speed` times as fast as the world, for `minutes` of theirs: a lens is recorded, streamed
 * and proven, and retention on both sides gives up the oldest.
 */
export async function liveFast(options: {
  readonly dir: string;
  readonly ffmpeg: string;
  readonly speed: number;
  readonly minutes: number;
}): Promise<MemoryScene> {
  const { dir, ffmpeg, speed, minutes } = options;
  const clip = join(dir, 'clip.mp4');
  encode(ffmpeg, clip, { bitrate: '500k', seconds: 20, size: '640x360' });
  const env = speedOf(speed);
  const central = await startCentral({
    ...{ dir, env, script: scripts.scriptedCentral, yaml: 'retention: { maxSize: 100MB }\n' },
  });
  await using _central = central.daemon;
  const centralUrl = central.url.replace('http', 'ws');
  const place = await configureVehicle({
    ...{ dir, name: VEHICLE, ffmpeg, centralUrl },
    lenses: { front: { input: clip, options: ['-readrate', String(speed), '-stream_loop', '-1'] } },
    storageYaml: '{ minFree: 50MB, maxSize: 20MB }',
  });
  await enrol(central, { name: VEHICLE, configPath: place.configPath, centralUrl });
  const vehicle = await startVehicle(place, { script: scripts.scriptedEdge, env });
  await using _vehicle = vehicle.daemon;
  const lived = new Promise<void>((done) => void systemClock.schedule((minutes * 60_000) / speed, done));
  const [agent, server] = await watchMemory([vehicle.daemon.pid, central.daemon.pid], lived);
  return { agent: agent!, central: server!, verified: await verifiedSegments(central.url) };
}

/** A vehicle sends what several lenses hold, all of which was asked for by hand. */
export async function transferMuch(options: {
  readonly dir: string;
  readonly ffmpeg: string;
  readonly lenses: number;
  /** Of each lens. */
  readonly megabytes: number;
}): Promise<MemoryScene & { readonly bytes: number }> {
  const { dir, ffmpeg, lenses, megabytes } = options;
  const seconds = 10;
  const clip = join(dir, 'clip.mp4');
  encode(ffmpeg, clip, { bitrate: `${(megabytes * 8) / seconds}M`, seconds, size: '1280x720' });
  const central = await startCentral({ dir });
  await using _central = central.daemon;
  const client = new CentralClient(central.url, central.token);
  const centralUrl = central.url.replace('http', 'ws');
  const names = Array.from({ length: lenses }, (_, i) => `lens-${i + 1}`);
  const configure = (input: string) =>
    configureVehicle({
      ...{ dir, name: VEHICLE, ffmpeg, centralUrl, segmentDuration: '2s' },
      lenses: Object.fromEntries(names.map((name) => [name, { input, live: 'off' as const }])),
    });
  // Read as fast as the disk gives it: the vehicle has all of its footage at once, some of it from seconds to come.
  const place = await configure(clip);
  await enrol(central, { name: VEHICLE, configPath: place.configPath, centralUrl });
  const fromMs = systemClock.nowMs();
  const recording = await startVehicle(place);
  for (const name of names)
    await recording.daemon.logged((line) => line['lens'] === name && line.msg === 'run ended', 120_000);
  const toMs = systemClock.nowMs() + seconds * 1000;
  await recording.daemon.stop();
  await new Promise<void>((done) => void systemClock.schedule(toMs - systemClock.nowMs(), done));
  const vehicle = await startVehicle(await configure('test:320x240@5'));
  await using _vehicle = vehicle.daemon;
  await client.connected(VEHICLE);
  const window = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
  const transfer = async (): Promise<void> => {
    for (const name of names) {
      const { id } = await client.json<{ id: string }>('/api/v1/completions', {
        method: 'POST',
        body: JSON.stringify({ lens: `${VEHICLE}/${name}`, ranges: [window] }),
      });
      await eventually(
        `the transfer of ${name}`,
        async () => {
          const request = await client.json<{ finished?: string }>(`/api/v1/completions/${id}`);
          return request.finished;
        },
        120_000,
      );
    }
  };
  const [agent, server] = await watchMemory([vehicle.daemon.pid, central.daemon.pid], transfer());
  const metrics = await metricsOf(central.url);
  const bytes = Number(/^gapless_completion_bytes_total (\d+)/m.exec(metrics)?.[1]);
  return { agent: agent!, central: server!, bytes, verified: await verifiedSegments(central.url) };
}

/** Noise, so that the encoder needs the bits it is given. */
function encode(
  ffmpeg: string,
  path: string,
  { bitrate, seconds, size }: { bitrate: string; seconds: number; size: string },
): void {
  execFileSync(ffmpeg, [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-y', '-f', 'lavfi'],
    ...['-i', `testsrc2=size=${size}:rate=25:duration=${seconds},noise=alls=60:allf=t`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25'],
    ...['-b:v', bitrate, '-minrate', bitrate, '-maxrate', bitrate, '-bufsize', bitrate, path],
  ]);
}

async function verifiedSegments(url: string): Promise<number> {
  return Number(/^gapless_segments_verified_total (\d+)/m.exec(await metricsOf(url))?.[1]);
}

async function metricsOf(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}
