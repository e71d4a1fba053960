import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** Names the present boot of the box: the kernel's own id, or one for this process where there is none. */
export async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    return randomUUID();
  }
}
