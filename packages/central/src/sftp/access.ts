import type { AppError } from '@gapless/shared/errors';

/** Where one ticketed upload goes. */
export interface UploadTarget {
  /** The partial file on disk, as an absolute path. No two tickets name the same file. */
  readonly file: string;
  /** The length of the whole artifact. Nothing is written at or beyond it. */
  readonly sizeBytes: number;
  /**
   * How many bytes of the partial file are known to be sound; writing may begin there and never before. What lies
   * behind it counts only if this very process wrote it: after a restart it is cut off at the first opening.
   */
  readonly offset: number;
}

/** Decides who may come in and what they may write. Asked at every authentication and every path, never cached. */
export interface SftpAccess {
  /** Whether this key (in SSH's wire form) is the one of this vehicle, and the vehicle is allowed in. */
  isAuthorised(user: string, publicKey: Uint8Array): boolean;
  /** Where a vehicle's ticket leads to; `undefined` if it has none for exactly this path, or no longer. */
  target(user: string, path: string): UploadTarget | undefined;
}

/** Names one upload to the owner of the server. */
export interface UploadRef {
  readonly user: string;
  readonly path: string;
  readonly file: string;
}

/** A complete upload: every byte is there and on stable storage. Whether they are the right ones, the hash tells. */
export interface ClosedUpload extends UploadRef {
  readonly sizeBytes: number;
  /** Lower-case hex of the whole file. */
  readonly sha256: string;
}

/** What the owner of the server hears. The callbacks must not throw and must not take long. */
export interface SftpEvents {
  /**
   * The client closed a complete file; told before the client gets its answer. Told again if the answer is lost and the
   * client comes back to close once more.
   */
  readonly onClosed?: (upload: ClosedUpload) => void;
  /** The contiguous mark moved, after each write to disk. */
  readonly onProgress?: (upload: UploadRef, markBytes: number) => void;
  /** The disk failed under an upload. */
  readonly onFailed?: (upload: UploadRef, error: AppError) => void;
}
