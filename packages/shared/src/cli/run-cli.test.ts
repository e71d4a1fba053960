import { describe, expect, it, test } from 'vitest';
import { AppError } from '../errors/index.js';
import type { ErrorCode } from '../errors/index.js';
import { parseTime } from '../time/index.js';
import { SimulatedClock } from '../time/index.js';
import type { CliIo } from './cli-io.js';
import type { Cli } from './run-cli.js';
import { runCli } from './run-cli.js';

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

async function run(line: string | readonly string[], options: Partial<CliIo> = {}): Promise<Ran> {
  const ran = { out: '', err: '', exitCode: 0 };
  const io: CliIo = {
    stdout: { write: (text) => (ran.out += text) },
    stderr: { write: (text) => (ran.err += text) },
    isTty: false,
    columns: 80,
    rows: 24,
    env: {},
    clock: new SimulatedClock(),
    setExitCode: (code) => (ran.exitCode = code),
    ...options,
  };
  const argv = typeof line === 'string' ? line.split(' ').filter(Boolean) : line;
  await runCli(cli, argv, io);
  return ran;
}

const cli: Cli = {
  name: 'gapless-test',
  version: '1.2.3',
  summary: 'Does nothing of use.',
  addCommands(program, output) {
    program
      .command('fail <code>')
      .option('--hint <text>')
      .action((code: ErrorCode, { hint }: { hint?: string }) => {
        throw new AppError(code, 'no such lens: rtsp://admin:hunter2@10.0.0.1/x', {
          details: { lens: 'frnt' },
          ...(hint === undefined ? {} : { hint }),
        });
      });
    program.command('crash').action(() => {
      throw new TypeError('x is not a function');
    });
    program
      .command('list')
      .option('--none')
      .action(({ none }: { none?: boolean }) => {
        const rows = none === true ? [] : [{ lens: 'front', gaps: 2 }];
        output.say('looking');
        output.table(
          [
            { title: 'LENS', value: (row) => row.lens },
            { title: 'GAPS', value: (row) => row.gaps },
          ],
          rows,
          'There are no gaps.',
        );
      });
    program.command('some').action(() => output.partlyDone());
    program
      .command('clip <lens>')
      .requiredOption('--from <time>', 'start', (text) =>
        parseTime(text, { nowMs: Date.UTC(2026, 0, 1), timeZone: 'UTC' }),
      )
      .action((lens: string, { from }: { from: number }) =>
        output.print({ lens, from }, () => `${lens} ${from}`),
      );
    const config = program.command('config');
    config
      .command('check')
      .option('--format <format>')
      .action(() => output.print('ok', () => 'ok'));
  },
};

describe('runCli', () => {
  test.each([
    ['INTERNAL', 1],
    ['STORAGE_WRITE_FAILED', 1],
    ['CANCELLED', 1],
    ['ARGUMENT_INVALID', 2],
    ['CONFIG_INVALID', 2],
    ['SECRET_EXPOSED', 3],
    ['SFTP_NO_SUCH_FILE', 4],
  ] as const)('ends %s with exit code %i', async (code, exitCode) => {
    expect((await run(`fail ${code}`)).exitCode).toBe(exitCode);
  });

  it('says an error as a sentence and a hint on standard error, without credentials and without a stack', async () => {
    const ran = await run(['fail', 'SFTP_NO_SUCH_FILE', '--hint', 'Look elsewhere.']);
    expect(ran).toEqual({
      out: '',
      err: 'error: no such lens: rtsp://***@10.0.0.1/x\nhint: Look elsewhere.\n',
      exitCode: 4,
    });
  });

  it('says an error as one JSON object with --json, wherever that stands', async () => {
    for (const line of ['--json fail SFTP_NO_SUCH_FILE', 'fail SFTP_NO_SUCH_FILE --json']) {
      const { out, err } = await run(line);
      expect(out).toBe('');
      expect(err.trimEnd().split('\n')).toHaveLength(1);
      expect(JSON.parse(err)).toEqual({
        error: {
          code: 'SFTP_NO_SUCH_FILE',
          kind: 'not-found',
          message: 'no such lens: rtsp://***@10.0.0.1/x',
          details: { lens: 'frnt' },
        },
      });
    }
  });

  it('shows where a fault of the program happened, and asks to report it', async () => {
    const { err, exitCode } = await run('crash');
    expect(exitCode).toBe(1);
    expect(err).toContain('error: x is not a function\n');
    expect(err).toContain('run-cli.test.ts');
    expect(err).toMatch(
      /This is a fault of gapless-test 1\.2\.3\. Please report it with the lines above\.\n$/,
    );
    expect(
      (JSON.parse((await run('crash --json')).err) as { error: { stack: string } }).error.stack,
    ).toContain('run-cli.test.ts');
  });

  test.each([
    ['clpi front', "error: unknown command 'clpi'\nhint: Did you mean clip? See: gapless-test --help\n"],
    [
      'clip front --form now',
      "error: unknown option '--form'\nhint: Did you mean --from? See: gapless-test clip --help\n",
    ],
    [
      'clip front',
      "error: required option '--from <time>' not specified\nhint: See: gapless-test clip --help\n",
    ],
    ['clip --from now', "error: missing required argument 'lens'\nhint: See: gapless-test clip --help\n"],
    [
      'config chekc',
      "error: unknown command 'chekc'\nhint: Did you mean check? See: gapless-test config --help\n",
    ],
    ['clip front --from whenever', /^error: not a time: "whenever"\nhint: Write a time as /],
  ])('answers wrong usage: %s', async (line, expected) => {
    const { out, err, exitCode } = await run(line);
    expect(exitCode).toBe(2);
    expect(out).toBe('');
    if (typeof expected === 'string') expect(err).toBe(expected);
    else expect(err).toMatch(expected);
  });

  it('answers wrong usage as JSON, too', async () => {
    expect(JSON.parse((await run('clpi --json')).err)).toMatchObject({
      error: { code: 'ARGUMENT_INVALID', kind: 'invalid-input' },
    });
  });

  it('marks the word "error" red where a person watches, unless NO_COLOR asks not to', async () => {
    expect((await run('clip', { isTty: true })).err).toContain('\u001b[31merror:\u001b[39m required');
    expect((await run('clip', { isTty: true, env: { NO_COLOR: '1' } })).err).not.toContain('\u001b');
  });

  it('takes a time that begins with a dash', async () => {
    expect((await run('clip front --from -1h')).out).toBe(`front ${Date.UTC(2025, 11, 31, 23)}\n`);
  });

  it('prints help where it is asked for, on every level, and the version', async () => {
    for (const line of ['--help', 'clip --help', 'config check -h']) {
      const { out, err, exitCode } = await run(line);
      expect([err, exitCode]).toEqual(['', 0]);
      expect(out).toContain('Usage: gapless-test');
      expect(out).toContain('--json');
    }
    expect(await run('--version')).toEqual({ out: 'gapless-test 1.2.3\n', err: '', exitCode: 0 });
  });

  it('prints help to standard error when a command is missing, which is wrong usage', async () => {
    for (const line of ['', 'config']) {
      const { out, err, exitCode } = await run(line);
      expect(out).toBe('');
      expect(err).toContain('Usage: gapless-test');
      expect(exitCode).toBe(2);
    }
  });

  it('keeps data on standard output and talk on standard error', async () => {
    expect(await run('list')).toEqual({ out: 'LENS   GAPS\nfront     2\n', err: 'looking\n', exitCode: 0 });
    expect(await run('list --json')).toEqual({ out: '[{"lens":"front","gaps":2}]\n', err: '', exitCode: 0 });
    expect(await run('list --none')).toEqual({ out: '', err: 'looking\nThere are no gaps.\n', exitCode: 0 });
    expect((await run('list --none --json')).out).toBe('[]\n');
  });

  it('ends with 5 when some of it could not be done', async () => {
    expect((await run('some')).exitCode).toBe(5);
  });
});
