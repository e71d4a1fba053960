import type { BadRequest } from './bad-queries.js';
import { LENS } from './bad-queries.js';

const ASK = { lens: 'bus-042/front', ranges: [{ from: '-2h', to: '-1h' }] };
const invalid = { status: 400, code: 'ARGUMENT_INVALID' } as const;

/** Requests that begin, end or permit something. */
export const badBodies: readonly BadRequest[] = [
  {
    what: 'a request that is unknown',
    path: '/api/v1/completions/req_none',
    status: 404,
    code: 'REQUEST_UNKNOWN',
  },
  {
    what: 'the cancelling of a request that is unknown',
    path: '/api/v1/completions/req_none/cancel',
    method: 'POST',
    status: 404,
    code: 'REQUEST_UNKNOWN',
  },
  {
    what: 'an id that is too long',
    path: `/api/v1/completions/${'r'.repeat(100)}`,
    ...invalid,
    points: ['path', '/id'],
  },
  { what: 'no body', path: '/api/v1/completions', method: 'POST', ...invalid },
  { what: 'a body that is no JSON', path: '/api/v1/completions', body: '{"lens":', ...invalid },
  { what: 'a body that is no object', path: '/api/v1/completions', body: [1], ...invalid },
  {
    what: 'a body of another type',
    path: '/api/v1/completions',
    body: '<xml/>',
    headers: { 'content-type': 'text/xml' },
    status: 415,
    code: 'MEDIA_TYPE_UNSUPPORTED',
  },
  {
    what: 'a body that is too large',
    path: '/api/v1/completions',
    body: { ...ASK, lens: 'x'.repeat(300_000) },
    status: 413,
    code: 'BODY_TOO_LARGE',
  },
  {
    what: 'a member that is unknown',
    path: '/api/v1/completions',
    body: { ...ASK, urgent: true },
    ...invalid,
  },
  {
    what: 'a member that is missing',
    path: '/api/v1/completions',
    body: { lens: ASK.lens },
    ...invalid,
    points: ['body', '/ranges'],
  },
  {
    what: 'no ranges',
    path: '/api/v1/completions',
    body: { ...ASK, ranges: [] },
    ...invalid,
    points: ['body', '/ranges'],
  },
  {
    what: 'too many ranges',
    path: '/api/v1/completions',
    body: { ...ASK, ranges: new Array(101).fill(ASK.ranges[0]) },
    ...invalid,
    points: ['body', '/ranges'],
  },
  {
    what: 'a range that is reversed',
    path: '/api/v1/completions',
    body: { ...ASK, ranges: [...ASK.ranges, { from: '-1h', to: '-2h' }] },
    ...invalid,
    points: ['body', '/ranges/1/from'],
  },
  {
    what: 'an end that is no time in a body',
    path: '/api/v1/completions',
    body: { ...ASK, ranges: [{ from: '-1h', to: 'later' }] },
    ...invalid,
    points: ['body', '/ranges/0/to'],
  },
  {
    what: 'a lens that is unknown in a body',
    path: '/api/v1/completions',
    body: { ...ASK, lens: 'bus-042/attic' },
    status: 404,
    code: 'LENS_UNKNOWN',
  },
  {
    what: 'a lens that is no path in a body',
    path: '/api/v1/completions',
    body: { ...ASK, lens: 'front' },
    ...invalid,
    points: ['body', '/lens'],
  },
  {
    what: 'a priority that is none',
    path: '/api/v1/completions',
    body: { ...ASK, priority: 11 },
    ...invalid,
    points: ['body', '/priority'],
  },
  {
    what: 'a key that is empty',
    path: '/api/v1/completions',
    body: ASK,
    headers: { 'idempotency-key': '' },
    ...invalid,
    points: ['headers', '/idempotency-key'],
  },
  {
    what: 'a key that is too long',
    path: '/api/v1/completions',
    body: ASK,
    headers: { 'idempotency-key': 'k'.repeat(201) },
    ...invalid,
    points: ['headers', '/idempotency-key'],
  },
  {
    what: 'a link that lasts for ever',
    path: `${LENS}/links`,
    body: { ttlSeconds: 1e9 },
    ...invalid,
    points: ['body', '/ttlSeconds'],
  },
  {
    what: 'a claim for a vehicle that is no name',
    path: '/api/v1/vehicles/a%20b/claim',
    method: 'POST',
    ...invalid,
    points: ['path', '/vehicle'],
  },
  { what: 'an enrolment that is empty', path: '/agent/v1/enrol', body: {}, ...invalid },
];
