import { AppError } from '@gapless/shared/errors';
import { SimulatedClock } from '@gapless/shared/time';
import { describe, expect, it } from 'vitest';
import type { LinkSocket } from './link-socket.js';
import { reachCentral } from './reach-central.js';

const CHALLENGE = { type: 'challenge', protocol: [1], nonce: 'c'.repeat(64), sentMs: 5_000 };

/** A socket that notes what is sent, and what is done to it. */
function quietSocket(): LinkSocket & { readonly heard: string[] } {
  const heard: string[] = [];
  return {
    heard,
    onText: () => undefined,
    onEnd: () => undefined,
    bufferedBytes: 0,
    localAddress: undefined,
    sendText: (text) => heard.push(text),
    sendBinary: () => heard.push('binary'),
    close: () => heard.push('close'),
    terminate: () => heard.push('terminate'),
  };
}

describe('reachCentral', () => {
  const never = new AbortController().signal;

  it('hears the challenge, says nothing, and leaves', async () => {
    const clock = new SimulatedClock(4_000);
    const socket = quietSocket();
    const reaching = reachCentral(
      { url: 'ws://central/', ca: undefined, dial: () => Promise.resolve(socket), clock },
      never,
    );
    await clock.advance(120);
    socket.onText(JSON.stringify(CHALLENGE));
    expect(await reaching).toEqual({ tookMs: 120, centralMs: 5_000, heardMs: 4_120 });
    expect(socket.heard).toEqual(['terminate']);
  });

  it('does not wait for ever', async () => {
    const clock = new SimulatedClock(0);
    const socket = quietSocket();
    const reaching = reachCentral(
      { url: 'ws://central/', ca: undefined, dial: () => Promise.resolve(socket), clock },
      never,
    );
    const refused = expect(reaching).rejects.toMatchObject({
      code: 'LINK_UNREACHABLE',
      message: 'central gave no answer within 10 s',
    });
    await clock.advance(10_000);
    await refused;
    expect(new Set(socket.heard)).toEqual(new Set(['terminate']));
  });

  it('hands on why central cannot be dialled', async () => {
    const why = new AppError('LINK_UNTRUSTED', 'the certificate is not trusted');
    const options = {
      ...{ url: 'wss://central/', ca: undefined, clock: new SimulatedClock(0) },
      dial: () => Promise.reject(why),
    };
    await expect(reachCentral(options, never)).rejects.toBe(why);
  });
});
