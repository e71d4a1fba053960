import { watch } from 'node:fs';

/** Tells when something changes in a directory; stops when it is disposed of. */
export type WatchDirectory = (directory: string, onChange: () => void) => Disposable;

/**
 * Watches a directory by the operating system's notifications. They may fail or be lost (a network file system, too many
 * watches), so nobody may rely on them: what is missed is found by the next look.
 */
export const watchDirectory: WatchDirectory = (directory, onChange) => {
  try {
    const watcher = watch(directory, { persistent: false }, onChange);
    watcher.on('error', () => watcher.close());
    return { [Symbol.dispose]: () => watcher.close() };
  } catch {
    return { [Symbol.dispose]: () => undefined };
  }
};
