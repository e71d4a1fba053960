import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { exists, root } from './tree.js';

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
  readonly to: string;
}

/** Runs the rules of `.dependency-cruiser.cjs` over folders of a tree. */
function cruise(tree: string, folders: readonly string[]): Promise<readonly Violation[]> {
  const bin = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const config = join(root, '.dependency-cruiser.cjs');
  const args = [bin, ...folders, '--config', config, '--output-type', 'json'];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: tree, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      // The exit code counts the violations; only an output that is no JSON is a failure of the tool.
      try {
        resolve((JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations);
      } catch {
        reject(new Error(stderr, { cause: error }));
      }
    });
  });
}

function told(violations: readonly Violation[]): string[] {
  return violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).sort();
}

describe('the dependency rule', () => {
  it('holds in this repository', { timeout: 60_000 }, async () => {
    const folders = ['packages', 'test', 'bench', 'demo'].filter(exists);
    expect(told(await cruise(root, folders))).toEqual([]);
  });
});

describe('the dependency rule, on a tree that breaks it', () => {
  const files: Record<string, string> = {
    'packages/shared/src/time/clock.ts': "import 'node:fs'; import 'zod'; import '../fs/disk.js';",
    'packages/shared/src/time/clock.test.ts': "import 'node:fs'; import '../fs/disk.js';",
    'packages/shared/src/protocol/message.ts': "import 'zod'; import 'pino';",
    'packages/shared/src/fs/disk.ts': "import 'node:fs'; import '../../../central/src/store/rows.js';",
    'packages/shared/src/sqlite/open.ts': "import 'better-sqlite3';",
    'packages/shared/src/fs/a.ts':
      "import type { b } from './b.js'; export const a = 1 as unknown as typeof b;",
    'packages/shared/src/fs/b.ts':
      "import type { a } from './a.js'; export const b = 1 as unknown as typeof a;",

    'packages/central/src/store/rows.ts': "import '../verify/index.js';",
    'packages/central/src/verify/index.ts': "import '../store/rows.js'; import './own.js';",
    'packages/central/src/verify/own.ts': "import 'better-sqlite3'; import '../central.js';",
    'packages/central/src/verify/retry-policy.ts': "import 'node:fs';",
    'packages/central/src/timeline/index.ts': "import '../verify/index.js';",
    'packages/central/src/play/index.ts': "import '../timeline/index.js'; import '../verify/index.js';",
    'packages/central/src/api/index.ts': "import '../verify/index.js'; import '../verify/own.js';",
    'packages/central/src/central.ts': "import './verify/own.js';",
    'packages/central/src/config.ts': "import './verify/index.js';",
    'packages/central/src/sftp/ssh-server.ts': "import 'ssh2';",
    'packages/central/src/sftp/server.ts': "import 'ssh2';",
    'packages/central/src/link/link-socket.ts': "import 'ws';",
    'packages/central/src/link/link.ts': "import 'ws';",

    'packages/edge-agent/src/index/rows.ts': "import '../../../central/src/store/rows.js';",
    'packages/edge-agent/src/clip/index.ts': '',
    'packages/edge-agent/src/upload/index.ts': '',
    'packages/edge-agent/src/fulfil/index.ts': "import '../clip/index.js'; import '../upload/index.js';",
    'packages/edge-agent/src/record/ffmpeg-process.ts': "import 'node:child_process';",
    'packages/edge-agent/src/record/record.ts':
      "import 'node:child_process'; import '../../../../test/harness/src/fleet.js';",
    'packages/edge-agent/src/cli/index.ts': "import '../agent.js'; import '../clip/index.js';",
    'packages/edge-agent/src/agent.ts': "import './clip/index.js';",
    'packages/edge-agent/src/main.ts':
      "import './agent.js'; import './cli/index.js'; import './clip/index.js';",
    'packages/console/src/page.tsx':
      "import '../../shared/src/fs/disk.js'; import '../../shared/src/protocol/message.js'; import '../../shared/src/time/clock.js';",
    'packages/console/src/types.ts': "import type { message } from '../../shared/src/protocol/message.js';",
    'test/harness/src/fleet.ts': "import '../../../packages/edge-agent/src/agent.js';",
    'node_modules/zod/index.js': '',
    'node_modules/pino/index.js': '',
    'tsconfig.tests.json': '{ "compilerOptions": { "module": "NodeNext" } }',
  };

  let directory: string;
  let violations: readonly string[];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gapless-rule-'));
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), content);
    }
    violations = told(await cruise(directory, ['packages', 'test']));
  }, 60_000);
  afterAll(() => rm(directory, { recursive: true }));

  const shared = 'packages/shared/src';
  const central = 'packages/central/src';
  const edge = 'packages/edge-agent/src';

  test.each([
    `pure-is-without-node: ${shared}/time/clock.ts -> fs`,
    `pure-is-without-packages: ${shared}/time/clock.ts -> node_modules/zod/index.js`,
    `pure-stays-pure: ${shared}/time/clock.ts -> ${shared}/fs/disk.ts`,
    `protocol-has-zod-alone: ${shared}/protocol/message.ts -> node_modules/pino/index.js`,
    `shared-stands-alone: ${shared}/fs/disk.ts -> ${central}/store/rows.ts`,
    `no-cycles: ${shared}/fs/a.ts -> ${shared}/fs/b.ts`,
    `sides-meet-in-the-protocol: ${edge}/index/rows.ts -> ${central}/store/rows.ts`,
    `products-need-no-tests: ${edge}/record/record.ts -> test/harness/src/fleet.ts`,
    `console-takes-the-pure: packages/console/src/page.tsx -> ${shared}/fs/disk.ts`,
    `console-takes-types-of-the-protocol: packages/console/src/page.tsx -> ${shared}/protocol/message.ts`,
    `central-hub-knows-no-stage: ${central}/store/rows.ts -> ${central}/verify/index.ts`,
    `central-stages-keep-apart: ${central}/timeline/index.ts -> ${central}/verify/index.ts`,
    `central-complete-play-uses-only-what-it-is-made-of: ${central}/play/index.ts -> ${central}/verify/index.ts`,
    `central-faces-use-public-doors: ${central}/api/index.ts -> ${central}/verify/own.ts`,
    `central-is-constructed-in-one-place: ${central}/config.ts -> ${central}/verify/index.ts`,
    `central-stages-do-not-construct: ${central}/verify/own.ts -> ${central}/central.ts`,
    `decisions-are-pure: ${central}/verify/retry-policy.ts -> fs`,
    `only-adapters-speak-sql: ${central}/verify/own.ts -> better-sqlite3`,
    `only-adapters-speak-ssh: ${central}/sftp/server.ts -> ssh2`,
    `only-adapters-speak-websocket: ${central}/link/link.ts -> ws`,
    `only-adapters-start-processes: ${edge}/record/record.ts -> child_process`,
    `edge-agent-fulfil-uses-only-what-it-is-made-of: ${edge}/fulfil/index.ts -> ${edge}/upload/index.ts`,
    `edge-agent-is-constructed-in-one-place: ${edge}/main.ts -> ${edge}/clip/index.ts`,
  ])('finds %s', (violation) => {
    expect(violations).toContain(violation);
  });

  test.each([
    [`${shared}/time/clock.test.ts`, 'a test may read files'],
    [`${shared}/sqlite/open.ts`, 'the SQL adapter'],
    [`${central}/sftp/ssh-server.ts`, 'an SSH adapter'],
    [`${central}/link/link-socket.ts`, 'a WebSocket adapter'],
    [`${edge}/record/ffmpeg-process.ts`, 'a process adapter'],
    [`${central}/central.ts`, 'the constructor'],
    [`${edge}/agent.ts`, 'the constructor'],
    [`${edge}/cli/index.ts`, 'a face that uses public doors and starts the agent'],
    ['packages/console/src/types.ts', 'the console with types of the protocol'],
  ])('has nothing against %s: %s', (path) => {
    const against = violations.filter(
      (violation) => violation.includes(`: ${path} -> `) && !/^(no-cycles|resolvable)/.test(violation),
    );
    expect(against).toEqual([]);
  });

  it('lets the named exceptions through', () => {
    const joined = violations.join('\n');
    expect(joined).not.toContain(`page.tsx -> ${shared}/time/clock.ts`);
    expect(joined).not.toContain(`${central}/play/index.ts -> ${central}/timeline/index.ts`);
    expect(joined).not.toContain(`${edge}/fulfil/index.ts -> ${edge}/clip/index.ts`);
  });
});
