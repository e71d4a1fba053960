import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../time/index.js';
import type { ProcessLike } from './cli-io.js';
import { cliIo, mayColour, mayRewrite } from './cli-io.js';

function fakeProcess(env: Record<string, string> = {}, isTTY = true): ProcessLike {
  const stream = (): NodeJS.WriteStream =>
    Object.assign(new PassThrough(), {
      isTTY,
      columns: isTTY ? 132 : undefined,
    }) as unknown as NodeJS.WriteStream;
  return { stdout: stream(), stderr: stream(), env };
}

describe('cliIo', () => {
  it('takes width, exit code and environment from the process', () => {
    const process = fakeProcess({ HOME: '/home' });
    const io = cliIo(process, new SimulatedClock());
    io.setExitCode(4);
    expect(process.exitCode).toBe(4);
    expect([io.isTty, io.columns, io.env['HOME']]).toEqual([true, 132, '/home']);
    expect(cliIo(fakeProcess({}, false), new SimulatedClock())).toMatchObject({ isTty: false, columns: 80 });
  });

  it('lets a reader close the pipe early, and hides no other failure', () => {
    const { stdout } = fakeProcess();
    cliIo({ ...fakeProcess(), stdout }, new SimulatedClock());
    expect(() =>
      stdout.emit('error', Object.assign(new Error('broken pipe'), { code: 'EPIPE' })),
    ).not.toThrow();
    expect(() => stdout.emit('error', Object.assign(new Error('no space'), { code: 'ENOSPC' }))).toThrow(
      'no space',
    );
  });

  it('rewrites lines and colours them only where a person watches', () => {
    const of = (env: Record<string, string>, isTTY?: boolean): boolean[] => {
      const io = cliIo(fakeProcess(env, isTTY), new SimulatedClock());
      return [mayRewrite(io), mayColour(io)];
    };
    expect(of({})).toEqual([true, true]);
    expect(of({ NO_COLOR: '1' })).toEqual([true, false]);
    expect(of({ TERM: 'dumb' })).toEqual([false, false]);
    expect(of({ JOURNAL_STREAM: '8:12345' })).toEqual([false, false]);
    expect(of({}, false)).toEqual([false, false]);
  });
});
