import { parseLensName, parseVehicleId } from '@gapless/shared/ids';
import { systemRandom } from '@gapless/shared/lifecycle';
import type { AskMessage } from '@gapless/shared/protocol';
import { ask } from '@gapless/shared/protocol';
import { SimulatedClock } from '@gapless/shared/time';
import { beforeEach, describe, expect, it } from 'vitest';
import { VehicleAsker } from './vehicle-asker.js';

const bus = parseVehicleId('bus-042');
const front = parseLensName('front');
const output = { pins: [], more: false, protectedBytes: 0, maxBytes: 9, share: 'ample' };

/** The session with a vehicle that says nothing by itself. */
class NotedSession {
  readonly asked: AskMessage[] = [];
  readonly #ended = new AbortController();
  readonly signal = this.#ended.signal;

  send(message: object): void {
    this.asked.push(ask.parse(JSON.parse(JSON.stringify(message))));
  }

  end(): void {
    this.#ended.abort();
  }
}

describe('VehicleAsker', () => {
  let clock: SimulatedClock;
  let session: NotedSession | undefined;
  let asker: VehicleAsker;
  beforeEach(() => {
    clock = new SimulatedClock(Date.UTC(2026, 7, 22));
    session = new NotedSession();
    asker = new VehicleAsker({ clock, random: systemRandom, session: () => session });
  });

  const list = () => asker.ask(bus, 'protections', { lens: front });
  const reply = (from: NotedSession, facts: object, { id } = from.asked.at(-1)!): void =>
    asker.answered(from, { type: 'answer', id, ...facts });

  it('gives each question its own answer, in whatever order they come', async () => {
    const [first, second] = [list(), list()];
    const [one, two] = session!.asked;
    expect(one).toMatchObject({ type: 'ask', operation: 'protections', input: { lens: 'front' } });
    reply(session!, { output: { ...output, maxBytes: 2 } }, two);
    reply(session!, { output: { ...output, maxBytes: 1 } }, one);
    expect([(await first).maxBytes, (await second).maxBytes]).toEqual([1, 2]);
  });

  it('fails as the operation did', async () => {
    const asked = list();
    reply(session!, { error: { code: 'LENS_UNKNOWN', message: 'there is no such lens', hint: 'look' } });
    await expect(asked).rejects.toMatchObject({
      ...{ code: 'LENS_UNKNOWN', kind: 'not-found', message: 'there is no such lens', hint: 'look' },
    });
    const again = list();
    reply(session!, { error: { code: 'OF_THE_FUTURE', message: 'it is raining' } });
    await expect(again).rejects.toMatchObject({ code: 'VEHICLE_REFUSED', message: 'it is raining' });
  });

  it('believes no answer that is none', async () => {
    const asked = list();
    reply(session!, { output: { ...output, maxBytes: -1 } });
    await expect(asked).rejects.toMatchObject({ code: 'LINK_MESSAGE_INVALID' });
  });

  it('hears no other vehicle, and nothing that comes late', async () => {
    const asked = list();
    const [{ id }] = session!.asked as [AskMessage];
    asker.answered(new NotedSession(), { type: 'answer', id, output });
    const failed = expect(asked).rejects.toMatchObject({ code: 'VEHICLE_SILENT', kind: 'timeout' });
    await clock.advance(20_000);
    await failed;
    reply(session!, { output });
  });

  it('says that the vehicle is not there, or left', async () => {
    const asked = list();
    session!.end();
    await expect(asked).rejects.toMatchObject({ code: 'LINK_LOST', kind: 'unavailable' });
    session = undefined;
    await expect(list()).rejects.toMatchObject({ code: 'VEHICLE_OFFLINE', kind: 'unavailable' });
  });
});
