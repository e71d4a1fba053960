/** What is wrong with a request, and what it is told. */
export interface BadRequest {
  readonly what: string;
  readonly path: string;
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly code: string;
  /** Part of the request and JSON pointer of what is wrong. */
  readonly points?: readonly [string, string];
}

export const LENS = '/api/v1/lenses/bus-042/front';
const invalid = { status: 400, code: 'ARGUMENT_INVALID' } as const;

const windows: BadRequest[] = ['timeline', 'gaps', 'video.mp4', 'index.m3u8'].flatMap((route) => {
  const at = (query: string): string => `${LENS}/${route}?${query}`;
  return [
    {
      what: 'a start that is no time',
      path: at('from=soon'),
      ...invalid,
      points: ['query', '/from'] as const,
    },
    {
      what: 'an end that is no time',
      path: at('from=-1h&to=2026-13-45'),
      ...invalid,
      points: ['query', '/to'] as const,
    },
    {
      what: 'a reversed window',
      path: at('from=-1h&to=-2h'),
      ...invalid,
      points: ['query', '/from'] as const,
    },
    { what: 'an empty window', path: at('from=-1h&to=-1h'), ...invalid, points: ['query', '/from'] as const },
    {
      what: 'a window of years',
      path: at('from=2020-01-01&to=2026-01-01'),
      ...invalid,
      points: ['query', '/from'] as const,
    },
    {
      what: 'a start that is longer than any',
      path: at(`from=${'1'.repeat(500)}`),
      ...invalid,
      points: ['query', '/from'] as const,
    },
    { what: 'an empty start', path: at('from='), ...invalid, points: ['query', '/from'] as const },
    { what: 'two starts', path: at('from=-1h&from=-2h'), ...invalid, points: ['query', '/from'] as const },
    {
      what: 'a signed link that is none',
      path: at('expires=1&signature=abc'),
      status: 401,
      code: 'AUTH_REQUIRED',
    },
  ];
});

/** Addresses and queries. */
export const badQueries: readonly BadRequest[] = [
  ...windows,
  { what: 'an unknown route', path: '/api/v1/nothing', status: 404, code: 'ROUTE_UNKNOWN' },
  { what: 'an unknown route outside the API', path: '/wp-login.php', status: 404, code: 'ROUTE_UNKNOWN' },
  {
    what: 'a method that is not taken',
    path: '/api/v1/vehicles',
    method: 'DELETE',
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
  },
  { what: 'a path that is no UTF-8', path: '/api/v1/vehicles/%ff', ...invalid },
  {
    what: 'a vehicle that is unknown',
    path: '/api/v1/vehicles/bus-999',
    status: 404,
    code: 'VEHICLE_UNKNOWN',
  },
  {
    what: 'lenses of a vehicle that is unknown',
    path: '/api/v1/vehicles/bus-999/lenses',
    status: 404,
    code: 'VEHICLE_UNKNOWN',
  },
  {
    what: 'a vehicle that is no name',
    path: '/api/v1/vehicles/..%2f..',
    ...invalid,
    points: ['path', '/vehicle'],
  },
  {
    what: 'a vehicle whose name is too long',
    path: `/api/v1/vehicles/${'x'.repeat(150)}`,
    ...invalid,
    points: ['path', '/vehicle'],
  },
  {
    what: 'a lens that is unknown',
    path: '/api/v1/lenses/bus-042/attic/timeline',
    status: 404,
    code: 'LENS_UNKNOWN',
  },
  {
    what: 'a lens of a vehicle that is unknown',
    path: '/api/v1/lenses/bus-999/front/video.mp4',
    status: 404,
    code: 'LENS_UNKNOWN',
  },
  {
    what: 'a lens that is no name',
    path: '/api/v1/lenses/bus-042/a%20b/gaps',
    ...invalid,
    points: ['path', '/lens'],
  },
  {
    what: 'a state that is none',
    path: `${LENS}/gaps?state=lonely`,
    ...invalid,
    points: ['query', '/state'],
  },
  {
    what: 'a fleet state that is none',
    path: '/api/v1/gaps?state=lonely',
    ...invalid,
    points: ['query', '/state'],
  },
  { what: 'a limit of nothing', path: '/api/v1/gaps?limit=0', ...invalid, points: ['query', '/limit'] },
  {
    what: 'a limit that is no number',
    path: '/api/v1/completions?limit=many',
    ...invalid,
    points: ['query', '/limit'],
  },
  {
    what: 'a limit beyond the bound',
    path: '/api/v1/completions?limit=501',
    ...invalid,
    points: ['query', '/limit'],
  },
  { what: 'too few runs', path: `${LENS}/timeline?maxRuns=1`, ...invalid, points: ['query', '/maxRuns'] },
  {
    what: 'a part of a run',
    path: `${LENS}/timeline?maxRuns=10.5`,
    ...invalid,
    points: ['query', '/maxRuns'],
  },
  {
    what: 'a mode that is none',
    path: `${LENS}/video.mp4?mode=blurred`,
    ...invalid,
    points: ['query', '/mode'],
  },
  { what: 'a video of days', path: `${LENS}/video.mp4?from=-50h`, ...invalid, points: ['query', '/from'] },
  {
    what: 'a playlist of months',
    path: `${LENS}/index.m3u8?from=-60d`,
    ...invalid,
    points: ['query', '/from'],
  },
  {
    what: 'a way of gaps that is none',
    path: `${LENS}/index.m3u8?gaps=hide`,
    ...invalid,
    points: ['query', '/gaps'],
  },
  { what: 'a time without footage', path: `${LENS}/video.mp4?from=-10m`, status: 404, code: 'FOOTAGE_NONE' },
  {
    what: 'a playlist of a time without footage',
    path: `${LENS}/index.m3u8?from=-10m&to=now`,
    status: 404,
    code: 'FOOTAGE_NONE',
  },
  {
    what: 'a segment that is not stored',
    path: `${LENS}/segments/20260822T160000000Z-3fa9c1/2.mp4`,
    status: 404,
    code: 'FOOTAGE_NONE',
  },
  { what: 'a run that is none', path: `${LENS}/segments/yesterday/2.mp4`, status: 404, code: 'FOOTAGE_NONE' },
  {
    what: 'a number beyond all',
    path: `${LENS}/segments/20260822T160000000Z-3fa9c1/9999999.mp4`,
    ...invalid,
    points: ['path', '/file'],
  },
  {
    what: 'a file that is none',
    path: `${LENS}/segments/20260822T160000000Z-3fa9c1/..%2fkeys`,
    ...invalid,
    points: ['path', '/file'],
  },
];
