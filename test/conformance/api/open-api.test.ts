import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServedStore } from './support/served-store.js';

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

/** What can be asked, and who may; a route that is added without a word here is noticed. */
const OPERATIONS: readonly string[] = [
  'delete /api/v1/lenses/{vehicle}/{lens}/protections',
  'get /api/v1/completions',
  'get /api/v1/completions/{id}',
  'get /api/v1/gaps',
  'get /api/v1/lenses/{vehicle}/{lens}/gaps',
  'get /api/v1/lenses/{vehicle}/{lens}/index.m3u8',
  'get /api/v1/lenses/{vehicle}/{lens}/protections',
  'get /api/v1/lenses/{vehicle}/{lens}/segments/{run}/{file}',
  'get /api/v1/lenses/{vehicle}/{lens}/timeline',
  'get /api/v1/lenses/{vehicle}/{lens}/video.mp4',
  'get /api/v1/vehicles',
  'get /api/v1/vehicles/{vehicle}',
  'get /api/v1/vehicles/{vehicle}/lenses',
  'get /healthz',
  'get /metrics',
  'get /readyz',
  'get /version',
  'post /agent/v1/enrol',
  'post /api/v1/completions',
  'post /api/v1/completions/{id}/cancel',
  'post /api/v1/lenses/{vehicle}/{lens}/links',
  'post /api/v1/lenses/{vehicle}/{lens}/protections',
  'post /api/v1/vehicles/{vehicle}/claim',
];

describe('the OpenAPI document', () => {
  let served: ServedStore;
  let document: Document;
  beforeAll(async () => {
    served = await ServedStore.start();
    document = (await (await served.fetch('/openapi.json', { role: 'nobody' })).json()) as Document;
  });
  afterAll(() => served[Symbol.asyncDispose]());

  const operations = (): [string, Operation][] =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, Operation] => [
        `${method} ${path}`,
        operation,
      ]),
    );

  it('is valid OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate({ ...document });
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(document.openapi).toBe('3.1.0');
  });

  it('has every route', () => {
    const described = operations().map(([name]) => name);
    for (const name of OPERATIONS) expect(described).toContain(name);
  });

  it('has no route that is not served', async () => {
    for (const [name] of operations()) {
      const [method = '', path = ''] = name.split(' ');
      const url = path.replaceAll(/\{\w+\}/g, 'nothing');
      const { status } = await served.fetch(url, { method: method.toUpperCase() });
      expect([name, status === 405]).toEqual([name, false]);
    }
  });

  it('says of every operation what it does, who may and that what goes wrong is a problem', () => {
    for (const [name, operation] of operations()) {
      expect(operation.summary, name).toMatch(/\w{3}/);
      expect(operation.tags, name).toHaveLength(1);
      expect(operation.security, name).toBeDefined();
      expect(Object.keys(operation.responses['default']?.content ?? {}), name).toEqual([
        'application/problem+json',
      ]);
      expect(
        Object.keys(operation.responses).some((status) => status.startsWith('2')),
        name,
      ).toBe(true);
    }
  });

  it('gives what is shared a name', () => {
    for (const name of ['Problem', 'TimelineRun', 'Gap', 'Vehicle', 'Lens', 'Completion'])
      expect(document.components.schemas).toHaveProperty(name);
  });

  it('has pages for people', async () => {
    const page = await served.fetch('/docs/', { role: 'nobody' });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
  });
});
