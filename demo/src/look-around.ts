import { join } from 'node:path';
import { exportedLens, tunnelVehicle } from './cast.js';
import type { Abilities, Line } from './drawing/line.js';
import { span } from './drawing/line.js';
import type { LensLinks } from './links.js';
import { formatDuration } from '@gapless/shared/time';
import type { Settings } from './settings.js';
import type { Scene } from './scene.js';

/** What is going to happen. */
export function opening({ tunnelMs, keep }: Settings): Line[] {
  return [
    [],
    [span(' Gapless: a tram drives through a tunnel, and no frame of it is lost.', 'bold')],
    [],
    [span(' central, two vehicles and four cameras, each a process of its own, all on this')],
    [
      span(
        ` machine${keep ? '' : ' and gone at the end'}; the link of one vehicle is cut for ${formatDuration(tunnelMs)}.`,
      ),
    ],
    [],
  ];
}

/** Something has come up. */
export function ready(sentence: string, { unicode }: Abilities): Line {
  return [span(` ${unicode ? '✓' : '*'} `, 'green'), span(sentence)];
}

/** Where to look while the story is told. */
export function whereToLook(scene: Scene, links: LensLinks): Line[] {
  const { url, dataDir } = scene.central;
  return [
    [],
    field('watch', `${exportedLens.path}, live, in any HLS player; no token needed:`),
    [span(links.playlist())],
    field('token', join(dataDir, 'admin-token')),
    field('API', `${url}/docs`),
    [],
  ];
}

/** How to look around once it has been told. */
export function howToLookAround(scene: Scene, playlist: string, hasKeys: boolean): Line[] {
  const { url, dataDir } = scene.central;
  const { path } = exportedLens;
  const central = (words: string): Line => [span(`   npx gapless-central ${words} --data ${dataDir}`)];
  return [
    [],
    [span(' Everything goes on running. From this directory, in another terminal:', 'bold')],
    [],
    central('vehicles'),
    central(`timeline ${path} --from -5m`),
    central('gaps --from -5m'),
    central('requests'),
    [
      span(
        `   curl -H "Authorization: Bearer $(cat ${join(dataDir, 'admin-token')})" ${url}/api/v1/vehicles`,
      ),
    ],
    [span(`   ffplay "${playlist}"`)],
    [],
    [
      span(
        ` What ${tunnelVehicle.name} recorded is in ${scene.vehicle(tunnelVehicle.name).place.recordingsDir}`,
      ),
    ],
    ...(hasKeys ? [] : [[span(' Ctrl-C ends it.')]]),
    [],
  ];
}

function field(label: string, value: string): Line {
  return [span(` ${label.padEnd(12)}`, 'faint'), span(value)];
}
