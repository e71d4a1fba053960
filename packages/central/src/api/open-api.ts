import type { RouteOptions } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { Access } from './access.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media type of a success that is no JSON. */
    readonly mediaType?: string;
    /** Whether parts of it can be asked for by `Range`. */
    readonly ranges?: boolean;
  }
}

type Transform = typeof jsonSchemaTransform;
type TransformInput = Parameters<Transform>[0] & { readonly route: RouteOptions };

/** What every operation has in common: who may use it, and that whatever goes wrong is a problem. */
export function describeOperation(input: TransformInput): ReturnType<Transform> {
  const { schema, url } = jsonSchemaTransform(input);
  const { access, mediaType, ranges } = input.route.config ?? {};
  if (schema.hide === true || access === undefined) return { schema, url };
  const shown = schema as Record<string, unknown> & { response?: Record<string, unknown> };
  return {
    url,
    schema: {
      ...shown,
      ...(mediaType === undefined ? {} : { produces: undefined }),
      security: securityOf(access),
      'x-access': access,
      response: {
        ...(mediaType === undefined ? {} : mediaResponses(mediaType, ranges ?? false)),
        ...shown.response,
        default: {
          description: 'Whatever goes wrong',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  } as unknown as ReturnType<Transform>;
}

/** How to prove who asks, as OpenAPI names it. */
export const securitySchemes = {
  token: { type: 'http', scheme: 'bearer', description: 'A token with a role' },
  link: {
    type: 'apiKey',
    in: 'query',
    name: 'signature',
    description: 'A signed link: the query members expires and signature, for reading one lens',
  },
} as const;

function securityOf(access: Access): Record<string, string[]>[] {
  if (access === 'open') return [];
  return access === 'lens' ? [{ token: [] }, { link: [] }] : [{ token: [] }];
}

function mediaResponses(mediaType: string, ranges: boolean): Record<string, unknown> {
  const isText = mediaType.startsWith('text/') || mediaType.includes('mpegurl');
  const schema = isText ? { type: 'string' } : { type: 'string', format: 'binary' };
  const content = { [mediaType]: { schema } };
  const whole = { 200: { description: 'The whole', content } };
  if (!ranges) return whole;
  return {
    ...whole,
    206: { description: 'The part that Range asked for (RFC 9110 section 14)', content },
    304: { description: 'Still what If-None-Match names', type: 'null' },
    416: { description: 'There is nothing at that range', type: 'null' },
  };
}
