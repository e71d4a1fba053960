import { isAbsolute, join, relative, sep } from 'node:path';
import { AppError } from '../errors/index.js';
import { quote } from '../ids/index.js';

/**
 * Joins names from outside below `root` and proves that the result is still there. Each part is one file or directory
 * name: no separators, no `.` or `..`, no NUL, at most 255 bytes.
 */
export function pathInside(root: string, ...parts: readonly string[]): string {
  for (const part of parts) {
    const odd =
      part === '' || part === '.' || part === '..' || /[/\\\0]/.test(part) || Buffer.byteLength(part) > 255;
    if (odd) throw new AppError('STORAGE_PATH_ESCAPES', `not a file name: ${quote(part)}`);
  }
  const path = join(root, ...parts);
  if (!isInside(root, path))
    throw new AppError('STORAGE_PATH_ESCAPES', `${quote(parts.join('/'))} leads outside its directory`);
  return path;
}

/** Whether `path` lies below `root`, by name alone; links are the caller's concern. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
