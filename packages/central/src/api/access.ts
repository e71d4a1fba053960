import type { FastifyInstance, FastifyRequest, HookHandlerDoneFunction, RouteOptions } from 'fastify';
import { AppError, assert } from '@gapless/shared/errors';
import { isName, lensPath, parseLensName, parseVehicleId } from '@gapless/shared/ids';
import type { Role } from '../store/index.js';
import type { ApiPort } from './port.js';

/** Who may use a route: everybody; a role and those above it; or, for reading one lens, a viewer or a signed link. */
export type Access = 'open' | Role | 'lens';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route says it; one that does not keeps the server from starting. */
    readonly access?: Access;
  }
  interface FastifyRequest {
    /** Who asks; undefined for open routes and signed links. */
    caller: Caller | undefined;
  }
}

/** What a role may do: everything that those before it may, and more. */
const RANK: Record<Role, number> = { viewer: 0, operator: 1, administrator: 2 };

/** Who asks. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
}

/** Makes every route of `scope` ask, before anything else of a request is looked at, whether its caller may use it. */
export function guard(scope: FastifyInstance, port: ApiPort): void {
  scope.addHook('onRoute', ({ config, url }: RouteOptions) => {
    assert(config?.access, `the route ${url} says who may use it`);
  });
  scope.addHook('onRequest', (request: FastifyRequest, _reply, done: HookHandlerDoneFunction) => {
    authorise(port, request);
    done();
  });
}

/** Who asks for something that needs a token. */
export function callerOf(request: FastifyRequest): Caller {
  assert(request.caller, 'the route needs a token');
  return request.caller;
}

/**
 * Finds out who asks and whether they may.
 *
 * @throws AUTH_REQUIRED without a good token or link, ROLE_INSUFFICIENT with a token that is not enough
 */
function authorise(port: ApiPort, request: FastifyRequest): void {
  const access = request.routeOptions.config.access ?? 'administrator';
  if (access === 'open' || (access === 'lens' && hasLink(port, request))) return;
  const needed = access === 'lens' ? 'viewer' : access;
  const [scheme, plain] = (request.headers.authorization ?? '').split(' ');
  const token = scheme?.toLowerCase() === 'bearer' && plain ? port.findToken(plain) : undefined;
  if (!token) {
    throw new AppError('AUTH_REQUIRED', 'this needs a valid token', {
      hint: 'Send "Authorization: Bearer TOKEN". The first administrator\'s token is in the file admin-token of the data directory.',
    });
  }
  if (RANK[token.role] < RANK[needed])
    throw new AppError('ROLE_INSUFFICIENT', `this needs the role ${needed}, the token has ${token.role}`);
  request.caller = { name: token.name, role: token.role };
}

/** Whether the query carries a signature for this lens; throws AUTH_REQUIRED for one that is not good. */
function hasLink(port: ApiPort, request: FastifyRequest): boolean {
  const { expires, signature } = request.query as { expires?: unknown; signature?: unknown };
  if (expires === undefined || signature === undefined) return false;
  const { vehicle, lens } = request.params as { vehicle?: unknown; lens?: unknown };
  if (
    isName(vehicle) &&
    isName(lens) &&
    typeof signature === 'string' &&
    typeof expires === 'string' &&
    /^\d{1,15}$/.test(expires) &&
    port.mediaLinks.verify(lensPath(parseVehicleId(vehicle), parseLensName(lens)), {
      expires: Number(expires),
      signature,
    })
  )
    return true;
  throw new AppError('AUTH_REQUIRED', 'this link has expired or is not for this lens', {
    hint: 'Ask for a new link.',
  });
}
