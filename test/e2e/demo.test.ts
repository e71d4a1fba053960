import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decode } from '@gapless/harness/decoded';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const FFMPEG = process.env['GAPLESS_FFMPEG'] ?? 'ffmpeg';
const script = fileURLToPath(new URL('../../scripts/demo.mjs', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the demo with its temporary files below `dir`; `watch` sees what it says so far. */
function demo(
  dir: string,
  args: readonly string[],
  watch: (said: string, child: ChildProcess) => void = () => undefined,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: dir },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      watch(stderr, child);
    });
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Command lines of the processes that work in `dir` or name it. */
function processesOf(dir: string): string[] {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return ids.flatMap((id) => {
    try {
      const command = readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const worksIn = readlinkSync(`/proc/${id}/cwd`);
      return command.includes(dir) || worksIn.startsWith(dir) ? [command] : [];
    } catch {
      // It has ended meanwhile, or is none of ours.
      return [];
    }
  });
}

describe('the demo', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-demo-test-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('proves that the gap of a tunnel is filled, and leaves the video and nothing else', async () => {
    const { code, stdout, stderr } = await demo(dir, ['--', '--json', '--tunnel', '8s']);
    expect(code, stderr).toBe(0);
    const last = stdout.trimEnd().split('\n').at(-1)!;
    const outcome = JSON.parse(last) as Record<string, unknown> & {
      frames: Record<string, number>;
      mp4: string;
    };
    expect(Object.keys(outcome)).toEqual([
      ...['gapMs', 'missingBytes', 'sentBytes', 'healMs', 'frames', 'timeline', 'mp4', 'playlist', 'ok'],
    ]);
    expect(outcome).toMatchObject({ ok: true, frames: { lost: 0, doubled: 0 } });
    expect(outcome.frames['expected']).toBeGreaterThan(4 * 25 * 15);
    expect(outcome['gapMs']).toBeGreaterThan(5_000);
    expect(outcome['sentBytes']).toBeGreaterThan(Number(outcome['missingBytes']));
    expect(outcome['sentBytes']).toBeLessThan(Number(outcome['missingBytes']) * 1.05);
    expect(outcome['timeline']).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
    expect(outcome['playlist']).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/.*\.m3u8\?/);

    const [picture] = await decode(FFMPEG, outcome.mp4);
    expect(picture?.durationMs).toBeGreaterThan(Number(outcome['gapMs']) + 5_000);
    expect(await readdir(dirname(outcome.mp4))).toEqual(['tram-214_front.mp4']);
    if (existsSync('/proc')) expect(processesOf(dir)).toEqual([]);
  });

  it('ends everything that it has started when it is stopped half way', async () => {
    let asked = false;
    const { code, stdout } = await demo(dir, ['--json'], (said, child) => {
      if (asked || !/ Live .*stream to central/.test(said)) return;
      asked = true;
      child.kill('SIGINT');
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false });
    expect(await readdir(dir)).toEqual([]);
    if (existsSync('/proc')) expect(processesOf(dir)).toEqual([]);
  });

  it.each([[['--nonsense']], [['--tunnel']], [['--tunnel', 'long']]])(
    'answers %j with help and exit code 2',
    async (args) => {
      const { code, stdout, stderr } = await demo(dir, args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('Usage: npm run demo');
      expect(await readdir(dir)).toEqual([]);
    },
  );
});
