import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../time/index.js';
import type { CliIo } from './cli-io.js';
import { CliOutput } from './cli-output.js';

function terminal(options: Partial<CliIo> = {}): { io: CliIo; clock: SimulatedClock; text: () => string } {
  const clock = new SimulatedClock();
  let text = '';
  const io: CliIo = {
    stdout: { write: (written) => (text += written) },
    stderr: { write: (written) => (text += written) },
    isTty: true,
    columns: 80,
    rows: 24,
    env: {},
    clock,
    setExitCode: () => undefined,
    ...options,
  };
  return { io, clock, text: () => text };
}

const CLEAR = '\r\u001b[2K';

describe('Progress', () => {
  it('rewrites one line on a terminal, at most ten times a second, and ends with the last state', async () => {
    const { io, clock, text } = terminal();
    {
      using progress = new CliOutput(io, false).progress('front');
      for (let done = 0; done <= 100; done++) {
        progress.update({ done, total: 100, note: `${done} of 100 MB` });
        await clock.advance(20);
      }
    }
    const lines = text().split(CLEAR).slice(1);
    expect(lines).toHaveLength(21);
    expect(lines[0]).toBe('front  [........................]    0 %  0 of 100 MB');
    expect(lines[15]).toBe('front  [##################......]   75 %  75 of 100 MB  about 1 s left');
    expect(lines.at(-1)).toBe('front  [########################]  100 %  100 of 100 MB\n');
  });

  it('writes a line every five seconds to a log, without control characters', async () => {
    for (const quiet of [{ isTty: false }, { env: { JOURNAL_STREAM: '8:12345' } }]) {
      const { io, clock, text } = terminal(quiet);
      {
        using progress = new CliOutput(io, false).progress('front');
        for (let done = 0; done <= 120; done++) {
          progress.update({ done, total: 120 });
          await clock.advance(100);
        }
      }
      expect(text()).toBe(
        'front    0 %\nfront   41 %  about 7 s left\nfront   83 %  about 2 s left\nfront  100 %\n',
      );
    }
  });

  it('is one JSON object a second with --json', async () => {
    const { io, clock, text } = terminal();
    {
      using progress = new CliOutput(io, true).progress('front');
      for (let done = 0; done < 15; done++) {
        progress.update({ done, total: 15 });
        await clock.advance(100);
      }
    }
    expect(
      text()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([0, 10, 14].map((done) => ({ progress: { label: 'front', done, total: 15 } })));
  });

  it('makes way for what else is said, and never wraps', () => {
    const { io, text } = terminal({ columns: 20 });
    const output = new CliOutput(io, false);
    using progress = output.progress('a rather long label');
    progress.update({ done: 1, total: 2 });
    output.say('hello');
    progress.update({ done: 2, total: 2 });
    expect(text()).toBe(`${CLEAR}a rather long label${CLEAR}hello\n${CLEAR}a rather long label`);
  });

  it('has neither bar nor estimate without a total', async () => {
    const { io, clock, text } = terminal({ isTty: false });
    using progress = new CliOutput(io, false).progress('looking');
    progress.update({ done: 1 });
    await clock.advance(6_000);
    progress.update({ done: 7, note: '7 files' });
    expect(text()).toBe('looking\nlooking  7 files\n');
  });

  it('says nothing when nothing happened', () => {
    const { io, text } = terminal();
    new CliOutput(io, false).progress('front')[Symbol.dispose]();
    expect(text()).toBe('');
  });
});
