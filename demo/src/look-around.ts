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
  const typed = (words: string): Line => [span(`   ${words}`)];
  return [
    [],
    [span(' Everything goes on running. From this directory, in another terminal:', 'bold')],
    [],
    typed(`data=${dataDir}`),
    typed('npx gapless-central vehicles --data $data'),
    typed(`npx gapless-central timeline ${path} --from -5m --data $data`),
    typed('npx gapless-central gaps --from -5m --data $data'),
    typed('npx gapless-central requests --data $data'),
    typed(`curl -H "Authorization: Bearer $(cat $data/admin-token)" \\`),
    typed(`  ${url}/api/v1/vehicles`),
    typed(`ffplay "${playlist}"`),
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
