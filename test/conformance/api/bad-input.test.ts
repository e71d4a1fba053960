import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { badBodies } from './support/bad-bodies.js';
import type { BadRequest } from './support/bad-queries.js';
import { badQueries } from './support/bad-queries.js';
import { ServedStore } from './support/served-store.js';

interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: string;
  readonly requestId: string;
  readonly errors?: readonly { readonly in: string; readonly pointer: string; readonly detail: string }[];
}

describe('bad input', () => {
  let served: ServedStore;
  beforeAll(async () => {
    served = await ServedStore.start();
  });
  afterAll(() => served[Symbol.asyncDispose]());

  const send = ({
    path,
    body,
    method = body === undefined ? 'GET' : 'POST',
    headers,
  }: BadRequest): Promise<Response> =>
    served.fetch(path, {
      method,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    });

  it.each([...badQueries, ...badBodies])('$what is a problem that says so: $path', async (one) => {
    const answer = await send(one);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const problem = (await answer.json()) as Problem;
    expect([answer.status, problem.code, problem.status]).toEqual([one.status, one.code, one.status]);
    expect(problem).toMatchObject({
      type: expect.stringMatching(/^\/docs\/problems#[a-z-]+$/) as string,
      title: expect.stringMatching(/\w+ \w+/) as string,
      detail: expect.stringMatching(/\w+ \w+/) as string,
      instance: one.path.split('?')[0],
      requestId: answer.headers.get('x-request-id'),
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    if (one.points)
      expect(problem.errors?.map((error) => [error.in, error.pointer])).toContainEqual([...one.points]);
  });

  it('leads from its type to what it means', async () => {
    const { type } = (await (await served.fetch('/api/v1/vehicles/bus-999')).json()) as Problem;
    const [path = '', anchor = ''] = type.split('#');
    const page = await (await served.fetch(path, { role: 'nobody' })).text();
    expect(page).toContain(`id="${anchor}"`);
  });

  it('names the methods that an address takes', async () => {
    const answer = await served.fetch('/api/v1/completions', { method: 'PATCH' });
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
  });

  it('says nothing of what went wrong inside', async () => {
    const answer = await served.fetch('/api/v1/nothing/%2e%2e/etc');
    expect(await answer.text()).not.toMatch(/node_modules|\.ts:|\.js:|SQLITE/);
  });

  it.each([
    ['what is no HTTP', 'HELLO\r\n\r\n', 400],
    ['a head that is too large', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`, 431],
  ])('answers %s with a problem and hangs up', async (_, text, status) => {
    const answer = await raw(served.url, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const body = JSON.parse(answer.split('\r\n\r\n')[1]!) as Problem;
    expect(body).toMatchObject({ status, code: 'ARGUMENT_INVALID' });
  });

  it('refuses a WebSocket where there is none', async () => {
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
    expect(await raw(served.url, `GET /elsewhere HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 404 /,
    );
  });

  it('is still there after all of it', async () => {
    expect((await served.fetch('/readyz')).status).toBe(200);
  });
});

/** Sends bytes and returns what comes until the server hangs up. */
function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.once('error', reject);
    socket.once('close', () => resolve(answer));
  });
}
