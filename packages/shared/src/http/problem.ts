import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../errors/index.js';
import { AppError, errorCatalogue, errorKinds } from '../errors/index.js';
import { z } from 'zod';

/** Which part of a request is wrong. */
const fieldError = z.object({
  in: z.enum(['path', 'query', 'headers', 'body']),
  pointer: z.string().describe('JSON pointer (RFC 6901) below that part: /from, /ranges/0/to'),
  detail: z.string(),
});

export type FieldError = z.infer<typeof fieldError>;

/** Every reply that is no success: RFC 9457 problem details. */
export const problem = z
  .object({
    type: z.string().describe('Identifies the kind of problem; leads to its explanation'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What went wrong this time'),
    instance: z.string().describe('The address that was asked'),
    code: z.string().describe('Stable code, listed in the documentation'),
    kind: z.string().describe('What a caller can do about it, from a short list'),
    hint: z.string().optional().describe('What to do about it'),
    requestId: z.string(),
    errors: z.array(fieldError).optional().describe('Which parameters are wrong, and how'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details' });

/** The page that the types of problems lead to. */
export const PROBLEMS_PATH = '/docs/problems';

/** Where on that page a code is. */
export function anchorOf(code: ErrorCode): string {
  return code.toLowerCase().replaceAll('_', '-');
}

/** Where a kind of error says too little, the status that HTTP has for the code. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  AUTH_REQUIRED: 401,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  METHOD_NOT_ALLOWED: 405,
};

/** An error that points to what it is about; how a foreign error about one parameter becomes one of the request. */
export function invalidField(place: FieldError['in'], pointer: string, why: AppError | string): AppError {
  const detail = typeof why === 'string' ? why : why.message;
  const hint = typeof why === 'string' ? undefined : why.hint;
  return new AppError('ARGUMENT_INVALID', `${pointer.slice(1)}: ${detail}`, {
    details: { errors: [{ in: place, pointer, detail }] },
    ...(hint === undefined ? {} : { hint }),
    ...(typeof why === 'string' ? {} : { cause: why }),
  });
}

/** The status with which an error is answered. */
export function statusOf(error: AppError): number {
  return STATUS[error.code] ?? errorKinds[error.kind].httpStatus;
}

/** An error as the body of a reply. */
export function problemOf(error: AppError, request: { path: string; id: string }): z.infer<typeof problem> {
  const errors = error.details['errors'] as FieldError[] | undefined;
  return {
    type: `${PROBLEMS_PATH}#${anchorOf(error.code)}`,
    title: errorCatalogue[error.code][1].replace(/\.$/, ''),
    status: statusOf(error),
    // What a fault of the program says is for its log, not for whoever asked.
    detail:
      error.kind === 'internal'
        ? 'The server failed; its log says more under this request id.'
        : error.message,
    instance: request.path,
    code: error.code,
    kind: error.kind,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    requestId: request.id,
    ...(errors && errors.length > 0 ? { errors } : {}),
  };
}

/** Answers with a problem. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  const body = problemOf(error, { path: request.url.split('?')[0] ?? '/', id: request.id });
  if (body.status === 401) void reply.header('www-authenticate', 'Bearer realm="gapless"');
  // What a success would have said of itself does not hold for a problem.
  for (const header of ['content-length', 'content-range', 'etag', 'accept-ranges', 'content-disposition'])
    void reply.removeHeader(header);
  return reply
    .code(body.status)
    .type('application/problem+json')
    .header('cache-control', 'no-store')
    .header('x-request-id', request.id)
    .serializer(JSON.stringify)
    .send(body);
}

/**
 * A problem reply as the error that it was on the other side.
 *
 * @param answer the body as it came, be it a problem or not
 */
export function errorOfProblem(answer: unknown, status: number): AppError {
  const { code, detail, hint } = (answer ?? {}) as { code?: string; detail?: string; hint?: string };
  const known: ErrorCode = code !== undefined && code in errorCatalogue ? (code as ErrorCode) : 'INTERNAL';
  return new AppError(known, detail ?? `the server answered ${status}`, hint === undefined ? {} : { hint });
}
