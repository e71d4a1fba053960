import { AppError } from '@gapless/shared/errors';
import type { DurationMs } from '@gapless/shared/time';
import { SimulatedClock } from '@gapless/shared/time';
import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMING } from './dial-policy.js';
import type { SftpEndpoint } from './endpoint.js';
import type { Remote } from './remote.js';
import { UploadSession } from './upload-session.js';

const endpoint: SftpEndpoint = { host: 'central', port: 22, user: 'bus-042', hostKeys: ['SHA256:a'] };

/** A connection that is silent until it is told to speak. */
class FakeRemote implements Remote {
  readonly files: never = undefined as never;
  readonly #gone = new AbortController();
  readonly gone = this.#gone.signal;
  readonly localAddress = '10.0.0.1';
  heardMs: number;
  unansweredSinceMs: number | undefined;
  pings = 0;

  constructor(private readonly clock: SimulatedClock) {
    this.heardMs = clock.monotonicMs();
  }

  /** A request is sent that nobody answers. */
  ask(): void {
    this.unansweredSinceMs ??= this.clock.monotonicMs();
  }

  answer(): void {
    this.heardMs = this.clock.monotonicMs();
    this.unansweredSinceMs = undefined;
  }

  open = (): Promise<never> => Promise.reject(new Error('unused'));
  write = (): void => undefined;
  shrink = (): Promise<void> => Promise.resolve();
  close = (): Promise<void> => Promise.resolve();
  async ping(): Promise<void> {
    this.pings++;
    this.ask();
    await new Promise(() => undefined);
  }
  end(reason: AppError): void {
    if (!this.gone.aborted) this.#gone.abort(reason);
  }
}

interface Dial {
  readonly atMs: number;
  readonly endpoint: SftpEndpoint;
  readonly signal: AbortSignal;
  readonly succeed: () => FakeRemote;
  readonly fail: (error?: AppError) => void;
}

function setUp(idleMs: DurationMs = 300_000): {
  clock: SimulatedClock;
  session: UploadSession;
  dials: Dial[];
  events: string[];
  addresses: Set<string>;
} {
  const clock = new SimulatedClock();
  const dials: Dial[] = [];
  const events: string[] = [];
  const addresses = new Set(['10.0.0.1']);
  const session = new UploadSession({
    connect: (to, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        dials.push({
          atMs: clock.monotonicMs(),
          endpoint: to,
          signal,
          succeed: () => {
            const remote = new FakeRemote(clock);
            resolve(remote);
            return remote;
          },
          fail: (error = new AppError('SFTP_UNREACHABLE', 'refused')) => reject(error),
        });
      }),
    localAddresses: () => addresses,
    clock,
    random: { bytes: (count) => new Uint8Array(count), fraction: () => 0.5 },
    timing: DEFAULT_TIMING,
    idleMs,
    rttMs: () => 100,
    onAdopted: () => events.push('adopted'),
    events: {
      onStalled: () => events.push('stalled'),
      onRecovered: () => events.push('recovered'),
      onLost: (error) => events.push(`lost: ${error.message}`),
    },
  });
  session.setEndpoint(endpoint);
  return { clock, session, dials, events, addresses };
}

const forever = new AbortController().signal;

/** A session with an upload in it and a connection that stands. */
async function connected(
  idleMs?: DurationMs,
): Promise<ReturnType<typeof setUp> & { remote: FakeRemote; leave: () => void }> {
  const scene = setUp(idleMs);
  const leave = scene.session.enter();
  const acquired = scene.session.acquire(forever);
  const remote = scene.dials[0]!.succeed();
  expect(await acquired).toBe(remote);
  return { ...scene, remote, leave };
}

describe('UploadSession', () => {
  it('dials nothing before there is something to upload, and then at once', () => {
    const { session, dials } = setUp();
    expect(dials).toHaveLength(0);
    session.enter();
    session.acquire(forever).catch(() => undefined);
    expect(dials).toHaveLength(1);
  });

  it('tries every half second, at most four at a time, until one succeeds', async () => {
    const { clock, session, dials } = setUp();
    session.enter();
    const acquired = session.acquire(forever);
    await clock.advance(5_000);
    expect(dials.map((dial) => dial.atMs)).toEqual([0, 500, 1000, 1500]);
    dials[0]!.fail();
    await clock.advance(500);
    expect(dials).toHaveLength(5);
    const remote = dials[3]!.succeed();
    expect(await acquired).toBe(remote);
    expect(dials.filter((dial) => !dial.signal.aborted)).toEqual([dials[0], dials[3]]);
    await clock.advance(5_000);
    expect(dials).toHaveLength(5);
  });

  it('asks a silent connection for a sign of life after a second and dials beside it after three', async () => {
    const { clock, remote, dials, events } = await connected();
    remote.ask();
    await clock.advance(1_250);
    expect(remote.pings).toBe(1);
    await clock.advance(1_500);
    expect(dials).toHaveLength(1);
    await clock.advance(500);
    expect(events).toEqual(['adopted', 'stalled']);
    expect(dials).toHaveLength(2);
    expect(remote.gone.aborted).toBe(false);
    expect(remote.pings).toBe(1);
    await clock.advance(1_000);
    expect(dials).toHaveLength(4);
  });

  it('moves to the first new connection that stands', async () => {
    const { clock, session, remote, dials, events } = await connected();
    remote.ask();
    await clock.advance(4_000);
    const next = dials[2]!.succeed();
    await clock.advance(0);
    expect(session.current).toBe(next);
    expect(remote.gone.aborted).toBe(true);
    expect(dials[1]!.signal.aborted).toBe(true);
    expect(events).toEqual(['adopted', 'stalled', 'adopted']);
    expect(await session.acquire(forever)).toBe(next);
  });

  it('drops the attempts when the old connection moves first', async () => {
    const { clock, session, remote, dials, events } = await connected();
    remote.ask();
    await clock.advance(4_000);
    remote.answer();
    await clock.advance(250);
    expect(events).toEqual(['adopted', 'stalled', 'recovered']);
    expect(session.current).toBe(remote);
    expect(dials.slice(1).every((dial) => dial.signal.aborted)).toBe(true);
    const count = dials.length;
    await clock.advance(10_000);
    expect(dials).toHaveLength(count);
  });

  it('gives a connection up at once when its address is gone, with the attempts made from there', async () => {
    const { clock, session, remote, dials, events, addresses } = await connected();
    remote.ask();
    await clock.advance(3_500);
    const before = dials.length;
    addresses.delete('10.0.0.1');
    await clock.advance(250);
    expect(remote.gone.aborted).toBe(true);
    expect(session.current).toBeUndefined();
    expect(events.at(-1)).toBe('lost: the address 10.0.0.1 is gone from this machine');
    expect(dials.slice(1, before).every((dial) => dial.signal.aborted)).toBe(true);
    expect(dials.at(-1)).toMatchObject({ atMs: clock.monotonicMs() });
  });

  it('waits a little, by chance, before it dials again after the server closed the connection', async () => {
    const { clock, remote, dials } = await connected();
    await clock.advance(10_000);
    remote.end(new AppError('SFTP_UNREACHABLE', 'closed'));
    expect(dials).toHaveLength(1);
    await clock.advance(124);
    expect(dials).toHaveLength(1);
    await clock.advance(1);
    expect(dials).toHaveLength(2);
  });

  it('waits longer each time when connections do not last', async () => {
    const { clock, session, remote, dials } = await connected();
    let last = remote;
    const waits: number[] = [];
    for (let n = 0; n < 4; n++) {
      last.end(new AppError('SFTP_UNREACHABLE', 'closed'));
      const atMs = clock.monotonicMs();
      const count = dials.length;
      while (dials.length === count) await clock.advance(25);
      waits.push(clock.monotonicMs() - atMs);
      last = dials.at(-1)!.succeed();
      await session.acquire(forever);
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(4 * waits[0]! - 25);
  });

  it('dials at once when kicked, in place of the oldest attempt', async () => {
    const { clock, session, dials } = setUp();
    session.enter();
    session.acquire(forever).catch(() => undefined);
    await clock.advance(2_000);
    expect(dials).toHaveLength(4);
    session.kick();
    expect(dials).toHaveLength(5);
    expect(dials[0]!.signal.aborted).toBe(true);
  });

  it('has a connection ready for the first ticket when kicked, and does not try for ever', async () => {
    const { clock, session, dials } = setUp();
    session.kick();
    expect(dials).toHaveLength(1);
    dials[0]!.fail();
    await clock.advance(20_000);
    const tried = dials.length;
    expect(tried).toBeLessThan(15);
    session.kick();
    // Uploads of the link that was lost end only now.
    session.enter()();
    const remote = dials.at(-1)!.succeed();
    session.enter();
    expect(await session.acquire(forever)).toBe(remote);
    expect(dials).toHaveLength(tried + 1);
  });

  it('replaces an idle connection that had fallen silent at once when kicked', async () => {
    const { clock, session, remote, dials, leave } = await connected();
    remote.ask();
    await clock.advance(1_250);
    session.kick();
    leave();
    expect(remote.gone.aborted).toBe(false);
    session.kick();
    expect(remote.gone.aborted).toBe(true);
    expect(dials.at(-1)).toMatchObject({ atMs: clock.monotonicMs() });
    expect(dials.at(-1)!.signal.aborted).toBe(false);
  });

  it('doubts a silent connection sooner when kicked', async () => {
    const { clock, session, remote, dials, events } = await connected();
    remote.ask();
    await clock.advance(1_250);
    expect(events).toEqual(['adopted']);
    session.kick();
    expect(events).toEqual(['adopted', 'stalled']);
    expect(dials).toHaveLength(2);
  });

  it('does not doubt an idle connection that answers, and gives up one that does not', async () => {
    const { clock, session, remote, leave } = await connected();
    leave();
    await clock.advance(15_250);
    expect(remote.pings).toBe(1);
    remote.answer();
    await clock.advance(5_000);
    expect(session.current).toBe(remote);
    remote.ask();
    await clock.advance(3_500);
    expect(session.current).toBeUndefined();
  });

  it('closes what nobody uses', async () => {
    const { clock, session, remote, leave } = await connected(10_000);
    await clock.advance(60_000);
    expect(session.current).toBeDefined();
    leave();
    remote.answer();
    await clock.advance(9_000);
    expect(session.current).toBeDefined();
    await clock.advance(1_250);
    expect(session.current).toBeUndefined();
  });

  it('tells whoever waits when dialling again cannot help, and tries anew for the next', async () => {
    const { session, dials } = setUp();
    session.enter();
    const refused = new AppError('SFTP_HOST_KEY_MISMATCH', 'wrong');
    const waiting = [session.acquire(forever), session.acquire(forever)];
    dials[0]!.fail(refused);
    for (const wait of waiting) await expect(wait).rejects.toBe(refused);
    const again = session.acquire(forever);
    expect(dials).toHaveLength(2);
    const remote = dials[1]!.succeed();
    expect(await again).toBe(remote);
  });

  it('dials another server when the ticket names one, and the same with other keys from the next time on', async () => {
    const { session, remote, dials } = await connected();
    session.setEndpoint({ ...endpoint, hostKeys: ['SHA256:b'] });
    expect(remote.gone.aborted).toBe(false);
    session.setEndpoint({ ...endpoint, host: 'elsewhere' });
    expect(remote.gone.aborted).toBe(true);
    expect(dials.at(-1)?.endpoint.host).toBe('elsewhere');
  });

  it('lets a waiter go that is told to stop, and everyone when it is disposed of', async () => {
    const { session, dials } = setUp();
    session.enter();
    const stop = new AbortController();
    const stopped = session.acquire(stop.signal);
    const waiting = session.acquire(forever);
    stop.abort(new AppError('CANCELLED', 'enough'));
    await expect(stopped).rejects.toThrow('enough');
    await Promise.all([
      expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' }),
      session[Symbol.asyncDispose](),
    ]);
    expect(dials[0]!.signal.aborted).toBe(true);
    await expect(session.acquire(forever)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
