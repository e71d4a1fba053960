import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Daemon } from '@gapless/harness/daemon';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram } from '../../scripts/debian.mjs';
import { root } from '../repo/tree.js';

const run = promisify(execFile);

const canPack = findProgram('dpkg-deb') !== undefined;

/** Builds a package, without the minutes that packing tightly takes, and unpacks it. */
async function built(which: 'edge' | 'central', dir: string): Promise<string> {
  const script = join(root, 'scripts/package-deb.mjs');
  const { stdout } = await run(process.execPath, [script, which, '--out', dir, '--compression', 'none']);
  const deb = stdout.trim();
  await run('dpkg-deb', ['--extract', deb, join(dir, 'tree')]);
  return deb;
}

describe.skipIf(!canPack)('the Debian package of the agent', () => {
  let dir: string;
  let deb: string;
  let files: Map<string, string>;

  const field = async (name: string): Promise<string> =>
    (await run('dpkg-deb', ['--field', deb, name])).stdout.trim();

  /** A program of the package, run with the Node that is inside. */
  const packaged = (...args: readonly string[]) => {
    const lib = join(dir, 'tree/usr/lib/gapless-edge');
    return run(join(lib, 'bin/node'), [...args], { cwd: lib });
  };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-package-'));
    deb = await built('edge', dir);
    const { stdout: listed } = await run('dpkg-deb', ['--contents', deb], { maxBuffer: 2 ** 24 });
    const lines = listed.trim().split('\n');
    files = new Map(lines.map((line) => [line.replace(/^.* \.\//, '/'), line.split(/\s+/, 2).join(' ')]));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('says what it needs, and that Node is not among it', async () => {
    expect(await field('Package')).toBe('gapless-edge');
    expect(await field('Depends')).toMatch(/^libc6 \(>= [\d.]+\), .*adduser, systemd, ffmpeg/);
    expect(await field('Depends')).not.toContain('nodejs');
    expect(Number(await field('Installed-Size'))).toBeGreaterThan(50_000);
  });

  it('brings the service, the configuration and the command, all owned by root', async () => {
    for (const path of ['/lib/systemd/system/gapless-edge.service', '/etc/gapless/edge.yml'])
      expect(files.get(path)).toBe('-rw-r--r-- root/root');
    for (const path of ['/usr/bin/gapless-edge', '/usr/lib/gapless-edge/bin/node'])
      expect(files.get(path)).toBe('-rwxr-xr-x root/root');
    expect([...files.values()].filter((mode) => !mode.endsWith(' root/root'))).toEqual([]);
    const { stdout } = await run('dpkg-deb', ['--info', deb, 'conffiles']);
    expect(stdout).toBe('/etc/gapless/edge.yml\n');
  });

  it('brings nothing that only those who build it need', () => {
    const needless = /\.(test\.js|d\.ts|ts|map|tsbuildinfo|a|o)$|\/(vitest|typescript|eslint|prettier)\//;
    expect([...files.keys()].filter((path) => needless.test(path))).toEqual([]);
  });

  it('works out of its own directory, the native addons included', async () => {
    const { stdout } = await packaged('bin/gapless-edge.mjs', '--version');
    expect(stdout).toBe(`gapless-edge ${await field('Version')}\n`);
    const script =
      "const d = new (require('better-sqlite3'))(':memory:'); require('ssh2'); console.log(d.open)";
    expect((await packaged('-e', script)).stdout).toBe('true\n');
  });

  it('is not valid as it is installed, so that nothing starts unconfigured', async () => {
    const config = join(dir, 'tree/etc/gapless/edge.yml');
    const check = packaged('bin/gapless-edge.mjs', 'config', 'check', '--config', config);
    await expect(check).rejects.toMatchObject({ code: 2 });
    const filled = join(dir, 'edge.yml');
    await writeFile(filled, 'vehicle: bus-042\nlenses: { front: { input: "test:" } }\n');
    const good = await packaged('bin/gapless-edge.mjs', 'config', 'check', '--config', filled);
    expect(good.stdout).toMatch(/is in order: 1 lens/);
  });

  it('has scripts that a shell understands', async () => {
    await run('dpkg-deb', ['--control', deb, join(dir, 'control')]);
    for (const script of ['postinst', 'prerm', 'postrm']) {
      const path = join(dir, 'control', script);
      expect((await stat(path)).mode & 0o777).toBe(0o755);
      await run('sh', ['-n', path]);
    }
  });
});

describe.skipIf(!canPack)('the Debian package of central', () => {
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gapless-package-'));
    await built('central', dir);
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('brings all that central needs, the pages of its reference included', async () => {
    const script = join(dir, 'tree/usr/lib/gapless-central/bin/gapless-central.mjs');
    const args = ['run', '--data', join(dir, 'data'), '--http', '127.0.0.1:0', '--sftp', '127.0.0.1:0'];
    const { daemon, event } = await Daemon.start({ script, args, until: 'listening' });
    try {
      for (const path of ['/healthz', '/openapi.json', '/docs', '/docs/static/swagger-ui-bundle.js']) {
        const answer = await fetch(`${String(event['http'])}${path}`);
        expect(answer.status, path).toBe(200);
        expect((await answer.arrayBuffer()).byteLength, path).toBeGreaterThan(0);
      }
    } finally {
      await daemon.stop();
    }
  });
});
