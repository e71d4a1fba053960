import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ExtentList } from '../extents/index.js';
import { byteRangeOf, matchesEtag } from './byte-range.js';

/** A virtual file as it is sent. */
export interface ServedFile {
  readonly content: ExtentList;
  /** Strong entity tag (RFC 9110 section 8.8.3), without quotes. */
  readonly etag: string;
  readonly type: string;
}

/** Sends a virtual file, or the range of it that was asked for (RFC 9110 section 14). */
export function sendContent(request: FastifyRequest, reply: FastifyReply, file: ServedFile): FastifyReply {
  const { content, type } = file;
  const etag = `"${file.etag}"`;
  void reply.type(type).header('accept-ranges', 'bytes').header('etag', etag);
  if (matchesEtag(request.headers['if-none-match'], etag)) return reply.code(304).send();
  const isHead = request.method === 'HEAD';
  // RFC 9110 section 14.2: only GET has ranges.
  const range = isHead ? undefined : request.headers.range;
  const asked = byteRangeOf(range, request.headers['if-range'], { length: content.length, etag });
  if (asked === 'unsatisfiable')
    return reply.code(416).header('content-range', `bytes */${content.length}`).send();
  const { from, to } = asked ?? { from: 0, to: content.length };
  if (asked) void reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${content.length}`);
  void reply.header('content-length', String(to - from));
  // An empty stream and not nothing, for which the server would say that the length is 0.
  if (isHead) return reply.send(Readable.from([]));
  const ended = new AbortController();
  reply.raw.once('close', () => ended.abort());
  return reply.send(Readable.from(content.stream(from, to, { signal: ended.signal }), { objectMode: false }));
}
