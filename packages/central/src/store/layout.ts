import { join, relative } from 'node:path';
import type { LensName, RunId, SegmentRef, VehicleId } from '@gapless/shared/ids';
import { segmentFilePath } from '@gapless/shared/ids';
import type { EpochMs } from '@gapless/shared/time';

/**
 * Where central keeps what:
 *
 * ```
 * central.sqlite              the catalogue
 * keys/                       central's own keys, mode 0600
 * media/bus-042/front/2026-08-22/20260822T165728123Z_3fa9c1_000012.mp4     verified
 * assembly/bus-042/front/20260822T165728123Z-3fa9c1-000013.part            being put together
 * inbox/bus-042/xfer_….part                                                being uploaded
 * quarantine/…                                                             failed verification, kept
 * ```
 */
export class DataLayout {
  readonly dataDir: string;

  constructor(dataDir: string) {
    this.dataDir = dataDir;
  }

  get keysDir(): string {
    return join(this.dataDir, 'keys');
  }

  /** Absolute path of a verified object. */
  media(path: string): string {
    return join(this.dataDir, 'media', path);
  }

  /** Absolute path of something below the data directory. */
  below(path: string): string {
    return join(this.dataDir, path);
  }

  /** The other way round; see {@link below}. */
  relative(path: string): string {
    return relative(this.dataDir, path);
  }

  assembly(vehicle: VehicleId, lens: LensName, part: { run: RunId; seq: number }): string {
    return join(
      this.dataDir,
      'assembly',
      vehicle,
      lens,
      `${part.run}-${String(part.seq).padStart(6, '0')}.part`,
    );
  }

  get inboxDir(): string {
    return join(this.dataDir, 'inbox');
  }

  quarantine(name: string): string {
    return join(this.dataDir, 'quarantine', name);
  }
}

/**
 * Name of an upload's partial file. It has a part of the content's hash in it, so that another content never meets an old
 * beginning.
 *
 * @param sha256 of the artifact, in hex
 */
export function uploadName(transferId: string, sha256: string): string {
  return `${transferId}-${sha256.slice(0, 16)}.part`;
}

/** The transfer that a partial file is of; undefined when it is not named by {@link uploadName}. */
export function transferOfUpload(name: string): string | undefined {
  return /^(xfer_[0-9a-z]+)-[0-9a-f]{16}\.part$/.exec(name)?.[1];
}

/** Path of a verified object below the media directory. */
export function mediaPath(vehicle: VehicleId, ref: SegmentRef, startMs: EpochMs): string {
  return `${vehicle}/${ref.lens}/${segmentFilePath(ref, startMs)}`;
}
