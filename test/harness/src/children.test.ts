import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errnoOf } from '@gapless/shared/errors';
import { describe, expect, it } from 'vitest';
import { eventually } from './central-client.js';

const compiled = fileURLToPath(new URL('../dist/children.js', import.meta.url));

/** A process that starts another, which would never end, and prints its id; then it does `last`. */
function parent(last: string): string {
  return `
    import { spawn } from 'node:child_process';
    import { endChildren, owned } from ${JSON.stringify(compiled)};
    const start = () => owned(spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }));
    const child = start();
    console.log(child.pid);
    ${last}`;
}

function run(script: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.once('close', () => resolve(out));
  });
}

/** Whether a process lives; one that is dead may keep its entry until somebody asks how it ended. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (thrown) {
    return errnoOf(thrown) === 'ENOENT' && !existsSync('/proc');
  }
}

describe('owned', () => {
  it.each([
    ['ends by itself', 'process.exit(0);'],
    ['fails', "process.on('uncaughtException', () => process.exit(1)); throw new Error('on purpose');"],
  ])('ends a child when its parent %s', async (_, last) => {
    const pid = Number(await run(parent(last)));
    expect(pid).toBeGreaterThan(0);
    await eventually('the end of the child', async () => !lives(pid) || undefined);
  });
});

describe('endChildren', () => {
  it('waits until all are gone, and lets no new one live', async () => {
    const out = await run(
      parent(`
        await endChildren();
        const late = start();
        late.once('exit', (_, signal) => console.log(child.signalCode, signal));`),
    );
    expect(out.split('\n')[1]).toBe('SIGKILL SIGKILL');
  });
});
