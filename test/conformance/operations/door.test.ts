import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { join } from 'node:path';
import { createLog } from '@gapless/shared/log';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ControlPort } from '../../../packages/edge-agent/src/control/index.js';
import { controlPath, ControlServer } from '../../../packages/edge-agent/src/control/index.js';
import { recordedPlace } from '../../support/edge/recorded-place.js';
import { Place } from '../../support/edge/recordings.js';
import { OperatedPlace } from './support/operated-place.js';

describe("the agent's socket", () => {
  let operated: OperatedPlace;
  beforeAll(async () => {
    const { place } = await recordedPlace();
    operated = await OperatedPlace.start(place);
  });
  afterEach(async () => {
    await operated.hangUp();
    await rm(operated.socketPath, { recursive: true, force: true });
    await operated.listen();
  });
  afterAll(() => operated[Symbol.asyncDispose]());

  interface Reply {
    readonly status: number;
    readonly type: string | undefined;
    readonly body: Record<string, unknown>;
  }

  function ask(path: string, method = 'GET'): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: operated.socketPath, path, method, agent: false });
      asked.once('error', reject);
      asked.once('response', (reply) => {
        json(reply).then(
          (body) =>
            resolve({
              status: reply.statusCode!,
              type: reply.headers['content-type'],
              body: body as Record<string, unknown>,
            }),
          reject,
        );
      });
      asked.end();
    });
  }

  it('may be used by its owner alone', async () => {
    const { mode } = await stat(operated.socketPath);
    expect(mode & 0o777).toBe(0o600);
  });

  it('takes the place of one that a dead agent left', async () => {
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(`${operated.socketPath}.dead`, resolve));
    await operated.hangUp();
    await rename(`${operated.socketPath}.dead`, operated.socketPath);
    await operated.listen();
    expect((await ask('/v1/segments?lens=front')).status).toBe(200);
    await new Promise((resolve) => dead.close(resolve));
    expect((await ask('/v1/segments?lens=front')).status).toBe(200);
  });

  it('is gone when the agent has stopped', async () => {
    await operated.hangUp();
    await expect(stat(operated.socketPath)).rejects.toThrow('ENOENT');
  });

  it('is not put in the place of something else', async () => {
    await operated.hangUp();
    await writeFile(operated.socketPath, 'precious');
    await expect(operated.listen()).rejects.toMatchObject({
      code: 'CONTROL_PATH_UNUSABLE',
      message: `cannot listen at ${operated.socketPath}: something else than a socket lies there`,
    });
  });

  it('says in one sentence that its path is too long', async () => {
    await using place = await Place.make();
    const stateDir = join(place.root, 'state'.repeat(20));
    await mkdir(stateDir);
    const port = { log: createLog('test', 'silent') } as ControlPort;
    const path = controlPath(stateDir);
    await expect(ControlServer.start(port, path)).rejects.toMatchObject({
      code: 'CONTROL_PATH_UNUSABLE',
      kind: 'invalid-input',
      message: `the path of the agent's socket has ${path.length} bytes and may have 107: ${path}`,
    });
  });

  it.each([
    ['/v1/nothing', 'GET', 404, 'ROUTE_UNKNOWN'],
    ['/v1/segments?lens=front', 'DELETE', 405, 'METHOD_NOT_ALLOWED'],
    ['/v1/segments', 'GET', 400, 'ARGUMENT_INVALID'],
    ['/v1/segments?lens=../etc', 'GET', 400, 'ARGUMENT_INVALID'],
    ['/v1/segments?lens=roof', 'GET', 404, 'LENS_UNKNOWN'],
    ['/v1/segments?lens=front&from=never', 'GET', 400, 'ARGUMENT_INVALID'],
    ['/v1/segments?lens=front&from=now&to=-1h', 'GET', 400, 'ARGUMENT_INVALID'],
    ['/v1/segments?lens=front&limit=0', 'GET', 400, 'ARGUMENT_INVALID'],
    ['/v1/segments?lens=front&cursor=x', 'GET', 400, 'ARGUMENT_INVALID'],
  ])('answers %s %s with a problem', async (path, method, status, code) => {
    expect(await ask(path, method)).toMatchObject({
      status,
      type: expect.stringContaining('application/problem+json') as string,
      body: { code, status, title: expect.any(String) as string, detail: expect.any(String) as string },
    });
  });

  it('is told by a command to be missing, in one sentence', async () => {
    await operated.hangUp();
    const { exitCode, stdout, stderr } = await operated.run('segments', '--lens', 'front');
    expect(exitCode).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.split('\n')[0]).toBe(`error: no agent is running on ${operated.place.stateDir}`);
    expect(stderr).toContain('systemctl start gapless-edge');
  });

  it('is told by a command to be dead in the same words', async () => {
    const dead = createServer();
    await operated.hangUp();
    await new Promise<void>((resolve) => dead.listen(`${operated.socketPath}.dead`, resolve));
    await rename(`${operated.socketPath}.dead`, operated.socketPath);
    await new Promise((resolve) => dead.close(resolve));
    const { exitCode, stderr } = await operated.run('--json', 'segments', '--lens', 'front');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'AGENT_NOT_RUNNING' } });
  });
});
