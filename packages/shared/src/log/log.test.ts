import { describe, expect, test } from 'vitest';
import { createLeveledLog, createLog } from './log.js';

describe(createLog, () => {
  test.each([
    ['a field of that name', { token: 'hunter2' }],
    ['a field further in', { lens: { input: { passphrase: 'hunter2' } } }],
    ['the user of a camera', { url: 'rtsp://admin:hunter2@10.0.0.11/main' }],
    ['a parameter of a camera', { url: 'srt://10.0.0.11:9000?mode=caller&passphrase=hunter2' }],
    ['a signed link', { url: '/api/v1/lenses/bus-042/front/video.mp4?expires=1&signature=hunter2' }],
    ['what an error says', { err: new Error('cannot open rtsp://admin:hunter2@10.0.0.11/main') }],
    [
      'the cause of an error',
      { err: new Error('no picture', { cause: new Error('rtsp://admin:hunter2@10.0.0.11/') }) },
    ],
  ])('writes no secret: %s', (_what, facts) => {
    const lines: string[] = [];
    createLog('test', 'info', { write: (line) => void lines.push(line) }).info(facts, 'something happened');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('***');
    expect(lines[0]).not.toContain('hunter2');
  });
});

describe(createLeveledLog, () => {
  test('changes the level of children, too', () => {
    const said: unknown[] = [];
    const write = (line: string): void => void said.push((JSON.parse(line) as { msg: string }).msg);
    const { log, setLevel } = createLeveledLog('test', 'info', { write });
    const child = log.child({ stage: 'record' });
    child.debug('too fine');
    setLevel('debug');
    child.debug('fine enough');
    log.debug({ a: 1 }, 'of the root, too');
    setLevel('error');
    child.warn('too fine');
    child.error({ err: new Error('x') }, 'an error');
    setLevel('silent');
    child.error('too fine');
    expect(said).toEqual(['fine enough', 'of the root, too', 'an error']);
  });
});
