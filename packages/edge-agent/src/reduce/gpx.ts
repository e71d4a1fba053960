import { formatUtc } from '@gapless/shared/time';
import type { Position } from './camera-position.js';

/** Positions as a track in GPX 1.1; speed and course in the extension that Garmin made and others read. */
export function gpxOf(positions: readonly Position[]): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<gpx version="1.1" creator="Gapless" xmlns="http://www.topografix.com/GPX/1/1"',
    '  xmlns:tpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">',
    '  <trk><trkseg>',
    ...positions.map(pointOf),
    '  </trkseg></trk>',
    '</gpx>',
    '',
  ].join('\n');
}

function pointOf(position: Position): string {
  const { atMs, latitude, longitude, speedMetresPerSec: speed, courseDegrees: course } = position;
  const extension = [
    ...(speed === undefined ? [] : [`<tpx:speed>${speed.toFixed(2)}</tpx:speed>`]),
    ...(course === undefined ? [] : [`<tpx:course>${course.toFixed(1)}</tpx:course>`]),
  ].join('');
  const more =
    extension === ''
      ? ''
      : `<extensions><tpx:TrackPointExtension>${extension}</tpx:TrackPointExtension></extensions>`;
  const place = `lat="${latitude.toFixed(7)}" lon="${longitude.toFixed(7)}"`;
  return `    <trkpt ${place}><time>${formatUtc(atMs)}</time>${more}</trkpt>`;
}
