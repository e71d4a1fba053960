import { AppError } from '@gapless/shared/errors';
import { diskError } from '@gapless/shared/fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { isFinal } from './disk-failure-policy.js';
import { decideOpen } from './open-policy.js';
import { readPath } from './path-policy.js';
import { DEFAULT_PRESSURE, mustRest } from './pressure-policy.js';
import { messageFor, Status, statusOf } from './status.js';
import { decideWrite } from './write-policy.js';

describe('readPath', () => {
  test.each([
    ['.', { kind: 'root' }],
    ['/', { kind: 'root' }],
    ['', { kind: 'root' }],
    ['clip', { kind: 'name', path: 'clip' }],
    ['/clip', { kind: 'name', path: 'clip' }],
    ['bus-042/a_b.part', { kind: 'name', path: 'bus-042/a_b.part' }],
    ['//clip', { kind: 'odd' }],
    ['clip/', { kind: 'odd' }],
    ['./clip', { kind: 'odd' }],
    ['a/../clip', { kind: 'odd' }],
    ['.hidden', { kind: 'odd' }],
    ['clip\0', { kind: 'odd' }],
    ['a\\b', { kind: 'odd' }],
    ['a b', { kind: 'odd' }],
    ['ä', { kind: 'odd' }],
    ['x'.repeat(201), { kind: 'odd' }],
  ])('reads %j', (raw, expected) => {
    expect(readPath(raw)).toEqual(expected);
  });

  it('lets no name through that a file system would take for another', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (raw) => {
        const requested = readPath(raw);
        if (requested.kind !== 'name') return;
        expect(requested.path).toMatch(/^[A-Za-z0-9_-]/);
        for (const part of requested.path.split('/')) expect(['', '.', '..']).not.toContain(part);
      }),
    );
  });
});

describe('decideOpen', () => {
  test.each([
    { client: 'sftp put', flags: 0x1a, offset: 0, expected: { kind: 'open', truncate: true } },
    { client: 'sftp reput', flags: 0x0e, offset: 500, expected: { kind: 'open', truncate: false } },
    { client: 'ssh2 r+', flags: 0x03, offset: 500, expected: { kind: 'open', truncate: false } },
    { client: 'ssh2 wx', flags: 0x3a, offset: 0, expected: { kind: 'open', truncate: true } },
  ])('opens for $client', ({ flags, offset, expected }) => {
    expect(decideOpen(flags, offset)).toEqual(expected);
  });

  it('refuses to read, and to begin anew behind what is final', () => {
    expect(decideOpen(0x01, 0)).toMatchObject({ kind: 'refuse' });
    expect(decideOpen(0x1a, 1)).toMatchObject({ kind: 'refuse' });
    expect(decideOpen(0x2a, 1)).toMatchObject({ kind: 'refuse' });
  });
});

describe('decideWrite', () => {
  const file = { markBytes: 500, floorBytes: 200, sizeBytes: 1000 };
  test.each([
    { offset: 500, length: 100, kind: 'append', note: 'at the mark' },
    { offset: 500, length: 500, kind: 'append', note: 'to the very end' },
    { offset: 500, length: 0, kind: 'append', note: 'of nothing' },
    { offset: 200, length: 10, kind: 'rewind', note: 'at the ticket’s offset' },
    { offset: 499, length: 600 - 99, kind: 'rewind', note: 'over its own tail' },
    { offset: 501, length: 1, kind: 'refuse', note: 'behind a hole' },
    { offset: 500, length: 501, kind: 'refuse', note: 'beyond the end' },
    { offset: 199, length: 400, kind: 'refuse', note: 'into what is final' },
    { offset: -1, length: 1, kind: 'refuse', note: 'before the beginning' },
    { offset: 2 ** 63, length: 1, kind: 'refuse', note: 'at an offset that no number holds' },
  ])('$kind: $note', ({ offset, length, kind }) => {
    expect(decideWrite({ offset, length }, file).kind).toBe(kind);
  });
});

describe('isFinal', () => {
  const failure = (operation: string, errno: string): AppError =>
    diskError(operation, '/x', Object.assign(new Error(errno), { code: errno }));
  test.each([
    ['write', 'ENOSPC', false],
    ['write', 'EDQUOT', false],
    ['write', 'EIO', true],
    ['truncate', 'EIO', true],
    ['sync', 'EIO', true],
    ['sync', 'ENOSPC', true],
    ['close', 'EIO', true],
    ['open', 'EMFILE', false],
    ['create', 'ENOSPC', false],
  ])('%s %s: %s', (operation, errno, expected) => {
    expect(isFinal(failure(operation, errno))).toBe(expected);
  });
});

describe('mustRest', () => {
  it('holds one session to its bound, and all to theirs', () => {
    const { sessionBytes, totalBytes, shareBytes } = DEFAULT_PRESSURE;
    expect(mustRest(sessionBytes, sessionBytes, DEFAULT_PRESSURE)).toBe(false);
    expect(mustRest(sessionBytes + 1, sessionBytes + 1, DEFAULT_PRESSURE)).toBe(true);
    expect(mustRest(shareBytes, totalBytes + 1, DEFAULT_PRESSURE)).toBe(false);
    expect(mustRest(shareBytes + 1, totalBytes + 1, DEFAULT_PRESSURE)).toBe(true);
  });
});

describe('what a client is told', () => {
  test.each([
    [new AppError('SFTP_REFUSED', 'no'), Status.permissionDenied, 'no'],
    [new AppError('SFTP_NO_SUCH_FILE', 'none'), Status.noSuchFile, 'none'],
    [new AppError('SFTP_UNSUPPORTED', 'not this'), Status.unsupported, 'not this'],
    [new AppError('SFTP_OUT_OF_ORDER', 'hole'), Status.failure, 'hole'],
    [new AppError('INTERNAL', 'cannot read property of /srv/x'), Status.failure, 'the server failed'],
  ])('%s', (error, status, message) => {
    expect(statusOf(error)).toBe(status);
    expect(messageFor(error)).toBe(message);
  });
});
