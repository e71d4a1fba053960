import { execFileSync } from 'node:child_process';

/**
 * A program to compare with, by the first line of what it says of its version; says that it is skipped, and is
 * `undefined`, where it is not installed.
 */
export function findPeer(
  command: string,
  versionArgs: readonly string[] = ['--version'],
): string | undefined {
  try {
    return execFileSync(command, versionArgs, { encoding: 'utf8', stdio: 'pipe' }).split('\n')[0] ?? '';
  } catch {
    process.stderr.write(`${command} is not installed: skipped\n`);
    return undefined;
  }
}
