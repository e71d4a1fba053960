import { dirname } from 'node:path';
import { AppError } from '@gapless/shared/errors';
import type { Disk } from '@gapless/shared/fs';
import type { VehicleId } from '@gapless/shared/ids';
import type { ByteRange } from '@gapless/shared/protocol';
import type { Assemblies } from '../store/assemblies.js';
import type { StoredObject } from '../store/objects.js';

const CHUNK_BYTES = 1024 * 1024;

/** What became of an artifact. */
export interface Placed {
  /** Whether its bytes are where they belong; not if the object is being settled with what came another way. */
  readonly placed: boolean;
  /** Removes what is left of the artifact. */
  readonly cleanUp: () => Promise<void>;
}

/**
 * Puts a proven artifact where its bytes belong. One that is the whole segment becomes the object's file by a rename,
 * without being copied. The artifact is kept until the caller has noted where its bytes are now.
 *
 * @param target.bytes the ranges of the segment of which the artifact consists, in order
 * @throws ASSEMBLY_SHORT, STORAGE_*
 */
export async function placeArtifact(
  port: { disk: Disk; assemblies: Assemblies },
  artifact: { readonly file: string; readonly sha256: string },
  target: { vehicle: VehicleId; object: StoredObject; bytes: readonly ByteRange[] },
): Promise<Placed> {
  const { disk, assemblies } = port;
  const { vehicle, object, bytes } = target;
  const cleanUp = (): Promise<void> => disk.remove(artifact.file);
  if (assemblies.isSettling(object.id)) return { placed: false, cleanUp };
  const [first, ...others] = bytes;
  if (first?.from === 0 && first.to === object.expected?.sizeBytes && others.length === 0) {
    await assemblies.release(object.id);
    const assembly = assemblies.of(vehicle, object);
    await disk.rename(artifact.file, assembly.path);
    await disk.syncDirectory(dirname(assembly.path));
    assembly.know(artifact.sha256);
    return { placed: true, cleanUp };
  }
  const assembly = assemblies.of(vehicle, object);
  const file = await disk.open(artifact.file);
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    let offset = 0;
    for (const { from, to } of bytes) {
      for (let at = from; at < to;) {
        const read = await file.read(chunk.subarray(0, Math.min(chunk.length, to - at)), offset);
        if (read === 0) throw new AppError('ASSEMBLY_SHORT', `${artifact.file} ends at byte ${offset}`);
        if (!(await assembly.write(chunk.subarray(0, read), at))) return { placed: false, cleanUp };
        at += read;
        offset += read;
      }
    }
  } finally {
    await file.close();
  }
  // The bytes must be safe before the artifact goes.
  await assembly.sync();
  return { placed: true, cleanUp };
}
