import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { AppError, errorKinds, toAppError } from '../errors/index.js';
import type { KnownRoutes } from './known-routes.js';
import type { Log } from '../log/index.js';
import type { FieldError } from './problem.js';
import { problemOf, sendProblem } from './problem.js';

/** More than these would tell nobody anything. */
const MAX_FIELD_ERRORS = 20;

const PLACES: Readonly<Record<string, FieldError['in']>> = {
  params: 'path',
  querystring: 'query',
  headers: 'headers',
  body: 'body',
};

/** Answers everything that goes wrong with a problem, wherever in the server it does. */
export function handleErrors(app: FastifyInstance, log: Log, routes: KnownRoutes): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '/';
    const methods = routes.methodsAt(path);
    if (methods.length === 0)
      return sendProblem(
        request,
        reply,
        new AppError('ROUTE_UNKNOWN', `there is nothing at ${request.method} ${path}`),
      );
    return sendProblem(
      request,
      reply.header('allow', methods.join(', ')),
      new AppError('METHOD_NOT_ALLOWED', `${path} does not take ${request.method}`),
    );
  });
  app.setErrorHandler((thrown: FastifyError, request, reply) => answerError(log, thrown, request, reply));
}

/** Translates what was thrown, logs it and answers. */
export function answerError(
  log: Log,
  thrown: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const error = fromValidation(thrown) ?? fromFastify(thrown) ?? toAppError(thrown);
  const level = errorKinds[error.kind].logLevel;
  log[level](
    { err: error, requestId: request.id, method: request.method, path: request.url.split('?')[0] },
    'request failed',
  );
  return sendProblem(request, reply, error);
}

/** A request that is no HTTP, or whose head is too large: there is no request yet that could be answered as usual. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const what = tooLarge ? 'the head of the request is too large' : 'this is no HTTP request';
  const status = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const { status: _, ...rest } = problemOf(new AppError('ARGUMENT_INVALID', what), {
    path: '/',
    id: randomUUID(),
  });
  const body = JSON.stringify({ ...rest, status: Number.parseInt(status, 10) });
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function fromValidation(thrown: FastifyError): AppError | undefined {
  if (!hasZodFastifySchemaValidationErrors(thrown)) return undefined;
  const place = PLACES[thrown.validationContext ?? ''] ?? 'body';
  const errors = thrown.validation
    .slice(0, MAX_FIELD_ERRORS)
    .map(({ instancePath, message }): FieldError => ({
      in: place,
      pointer: instancePath,
      detail: (message ?? 'invalid').slice(0, 200),
    }));
  const said = errors.map(({ pointer, detail }) => (pointer === '' ? detail : `${pointer} ${detail}`));
  return new AppError('ARGUMENT_INVALID', `the ${place} is invalid: ${said.join('; ')}`, {
    cause: thrown,
    details: { errors },
  });
}

/** Fastify's own refusals: a body that is too large, or not JSON, or of another type; an address that is none. */
function fromFastify(thrown: FastifyError): AppError | undefined {
  const { statusCode } = thrown;
  if (thrown instanceof AppError || statusCode === undefined || statusCode >= 500) return undefined;
  if (statusCode === 413)
    return new AppError('BODY_TOO_LARGE', 'the body is larger than what is accepted', { cause: thrown });
  if (statusCode === 415) {
    return new AppError('MEDIA_TYPE_UNSUPPORTED', 'the body is not JSON', {
      cause: thrown,
      hint: 'Send "Content-Type: application/json".',
    });
  }
  return new AppError('ARGUMENT_INVALID', thrown.message.slice(0, 500), { cause: thrown });
}
