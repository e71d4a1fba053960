import { parseLensName } from '@gapless/shared/ids';
import { AppError } from '@gapless/shared/errors';
import type { AnswerMessage } from '@gapless/shared/protocol';
import { answer, MAX_PINS, operations } from '@gapless/shared/protocol';
import { describe, expect, it } from 'vitest';
import type { OperationsPort } from './operations.js';
import { Operations } from './operations.js';

const front = parseLensName('front');
const selection = { lens: front, range: { startMs: 1, endMs: 5 } };
const pin = {
  ...{ lens: front, startMs: 1, endMs: 5, holder: 'police', reason: 'accident', madeMs: 7 },
  expiresMs: undefined,
};

function operationsWith(pins: readonly (typeof pin)[], fail?: () => never): Operations {
  const list = () => {
    fail?.();
    return Promise.resolve({ pins, protectedBytes: 1, maxBytes: 2, share: 'ample' as const });
  };
  const protections: OperationsPort['protections'] = { protect: list, unprotect: list, list };
  const remove: OperationsPort['remove'] = () =>
    Promise.resolve({
      removed: [
        { startMs: 1, endMs: 3 },
        { startMs: 3, endMs: 5 },
      ],
      removedBytes: 9,
      unreceipted: 1,
    });
  return new Operations({ protections, remove });
}

/** The answer as it arrives at central. */
async function ask(asked: Operations, operation: string, input: unknown): Promise<AnswerMessage> {
  const message = { type: 'ask' as const, id: `ask_${'0'.repeat(26)}`, operation, input };
  return answer.parse(JSON.parse(JSON.stringify(await asked.answer(message))));
}

describe('Operations', () => {
  it('answers with what came out', async () => {
    const asked = operationsWith([pin]);
    const { output } = await ask(asked, 'protect', { selection, holder: 'police', reason: 'accident' });
    expect(operations.protect.output.parse(output)).toEqual({
      pins: [{ lens: front, startMs: 1, endMs: 5, holder: 'police', reason: 'accident', madeMs: 7 }],
      ...{ more: false, protectedBytes: 1, maxBytes: 2, share: 'ample' },
    });
    expect((await ask(asked, 'remove', { selection })).output).toEqual({
      ...{ segments: 2, bytes: 9, unreceipted: 1, ranges: [{ startMs: 1, endMs: 5 }] },
    });
  });

  it('says when there is more than an answer holds', async () => {
    const pins = Array.from({ length: MAX_PINS + 1 }, () => pin);
    const { output } = await ask(operationsWith(pins), 'protections', {});
    const { pins: told, more } = operations.protections.output.parse(output);
    expect([told.length, more]).toEqual([MAX_PINS, true]);
  });

  it('answers with why nothing came out', async () => {
    const failing = operationsWith([], () => {
      throw new AppError('PROTECT_SHARE_USED_UP', 'too\nmuch', { hint: 'less' });
    });
    const { error } = await ask(failing, 'protections', {});
    expect(error).toEqual({ code: 'PROTECT_SHARE_USED_UP', message: 'too much', hint: 'less' });
  });

  it.each([
    ['what it does not know', 'explode', {}, 'OPERATION_UNKNOWN'],
    ['a name that every object has', 'toString', {}, 'OPERATION_UNKNOWN'],
    ['what lacks something', 'protect', { selection }, 'ARGUMENT_INVALID'],
    [
      'a range that is none',
      'remove',
      { selection: { lens: front, range: { startMs: 5, endMs: 1 } } },
      'ARGUMENT_INVALID',
    ],
    ['nothing', 'remove', undefined, 'ARGUMENT_INVALID'],
  ])('refuses %s', async (_, operation, input, code) => {
    expect((await ask(operationsWith([pin]), operation, input)).error).toMatchObject({ code });
  });
});
