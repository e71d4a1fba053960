import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();
let ending = false;
let hooked = false;

/**
 * Takes charge of a child process: it does not outlive this one, however this one ends, unless it is killed outright.
 * Hands the child back.
 */
export function owned<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  child.once('exit', () => running.delete(child));
  // One that could not be started never exits.
  child.once('error', () => running.delete(child));
  if (ending) child.kill('SIGKILL');
  if (!hooked) {
    hooked = true;
    process.once('exit', killAll);
  }
  return child;
}

/** Ends every child that is left and lets no new one live; resolves when all are gone. */
export async function endChildren(): Promise<void> {
  ending = true;
  const gone = [...running].map((child) => new Promise((resolve) => child.once('exit', resolve)));
  killAll();
  await Promise.all(gone);
}

function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}
