// The dependency rule of docs/design/architecture.md, as rules. `test/repo/dependency-rule.test.ts` runs them.

/** Folders of `shared` that the console uses, too: no Node, no clock, no input or output. */
const PURE = '^packages/shared/src/(time|interval|ids|errors|protocol|isobmff)/';
const TESTS = '\\.test\\.ts$';

/** Packages that stand for the outside world, and the names of the files that may import each: the adapters. */
const ADAPTERS = [
  {
    // `ssh-*.ts` speak SSH. ssh2-sftp-client is the comfortable layer above it, for foreign servers.
    packages: '^(ssh2|ssh2-sftp-client|cpu-features)$|node_modules/(ssh2|ssh2-sftp-client)/|@types/ssh2',
    files: '/ssh-[^/]*\\.ts$',
  },
  { packages: '^ws$|node_modules/ws/|@types/ws', files: '-socket\\.ts$' },
  {
    packages: '^better-sqlite3$|node_modules/better-sqlite3/|@types/better-sqlite3',
    files: '^packages/shared/src/sqlite/',
  },
  { packages: '^(node:)?child_process$', files: '-process\\.ts$' },
];

/** The one database folder of each package, through which stages hand work on. */
const HUBS = { 'edge-agent': 'index', central: 'store' };

/** Stage folders that may use others; everything else goes through the hub. */
const EXCEPTIONS = [
  // An answer to a request is a clip, a reduced file or a picture of what a query found.
  { in: 'edge-agent', from: 'fulfil', to: '(query|clip|reduce|snapshot)' },
  // What is uploaded is a clip or a reduced file, and the SFTP client that completion uses carries it.
  { in: 'edge-agent', from: 'deliver', to: '(upload|clip|reduce)' },
  // What is missing is a question to the timeline, and so is what can be played.
  { in: 'central', from: '(complete|play)', to: 'timeline' },
];

/** Faces of a package towards people: they use what they expose, but only by its public door, the index. */
const FACES = '(api|cli|control|doctor)';

const stageRules = Object.entries(HUBS).flatMap(([pkg, hub]) => {
  const src = `^packages/${pkg}/src`;
  const exceptions = EXCEPTIONS.filter((exception) => exception.in === pkg);
  const free = [...exceptions.map(({ from }) => from), FACES].join('|');
  return [
    {
      name: `${pkg}-stages-keep-apart`,
      comment:
        'A stage that imports a sibling cannot be understood, tested or replaced alone. Work is handed on through rows in the database folder.',
      severity: 'error',
      from: { path: `${src}/([^/]+)/`, pathNot: [TESTS, `${src}/(${free})/`] },
      to: { path: `${src}/[^/]+/`, pathNot: [`${src}/$1/`, `${src}/${hub}/`] },
    },
    ...exceptions.map(({ from, to }) => ({
      name: `${pkg}-${from.replace(/\W+/g, '-').replace(/^-|-$/g, '')}-uses-only-what-it-is-made-of`,
      comment: 'The named exceptions go one way and no further.',
      severity: 'error',
      from: { path: `${src}/(${from})/`, pathNot: TESTS },
      to: { path: `${src}/[^/]+/`, pathNot: [`${src}/$1/`, `${src}/${hub}/`, `${src}/${to}/`] },
    })),
    {
      name: `${pkg}-faces-use-public-doors`,
      comment:
        'What the API or the command line needs of a stage is what the stage offers to everyone: its index.',
      severity: 'error',
      from: { path: `${src}/${FACES}/`, pathNot: TESTS },
      to: { path: `${src}/[^/]+/`, pathNot: [`${src}/$1/`, `${src}/${hub}/`, `${src}/[^/]+/index\\.ts$`] },
    },
    {
      name: `${pkg}-hub-knows-no-stage`,
      comment: 'The database is beneath every stage; if it knew one, it would know all.',
      severity: 'error',
      from: { path: `${src}/${hub}/`, pathNot: TESTS },
      to: { path: `${src}/[^/]+/`, pathNot: `${src}/${hub}/` },
    },
    {
      name: `${pkg}-is-constructed-in-one-place`,
      comment:
        'Only agent.ts with its connection.ts, and central.ts with its uploads.ts, construct stages, so that who gets what can be read in one place.',
      severity: 'error',
      from: {
        path: `${src}/[^/]+\\.ts$`,
        pathNot: [TESTS, `${src}/(agent|connection|central|uploads)\\.ts$`],
      },
      // main.ts hands the arguments to the command line, which is a face and not a stage.
      to: { path: `${src}/[^/]+/`, pathNot: `${src}/cli/` },
    },
    {
      name: `${pkg}-stages-do-not-construct`,
      comment:
        'A stage that reaches for the whole would turn the order of construction around. `run` of the command line is what starts it.',
      severity: 'error',
      from: { path: `${src}/[^/]+/`, pathNot: [TESTS, `${src}/cli/`] },
      to: { path: `${src}/(main|agent|central)\\.ts$` },
    },
  ];
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'In a cycle no file can be read first.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'An import that resolves to nothing would slip through every other rule.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'shared-stands-alone',
      comment: 'Both sides and the console build on shared; it builds on none of them.',
      severity: 'error',
      from: { path: '^packages/shared/' },
      to: { path: '^(packages/(?!shared/)|test/|bench/|demo/)' },
    },
    {
      name: 'sides-meet-in-the-protocol',
      comment:
        'A vehicle and its central are of different versions; what they share is what they say to each other.',
      severity: 'error',
      from: { path: '^packages/(edge-agent|central|console)/' },
      to: { path: '^packages/(edge-agent|central|console)/', pathNot: '^packages/$1/' },
    },
    {
      name: 'console-takes-the-pure',
      comment: 'What the browser loads must not drag Node along.',
      severity: 'error',
      from: { path: '^packages/console/src/', pathNot: '\\.test\\.tsx?$' },
      to: { path: '^packages/shared/', pathNot: PURE },
    },
    {
      name: 'console-takes-types-of-the-protocol',
      comment: 'The schemas would bring 90 kB of zod into the browser; their types weigh nothing.',
      severity: 'error',
      from: { path: '^packages/console/src/', pathNot: '\\.test\\.tsx?$' },
      to: { path: '^packages/shared/src/protocol/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'products-need-no-tests',
      comment: 'What is shipped does not carry the harness, the benchmarks or the demo.',
      severity: 'error',
      from: { path: '^packages/', pathNot: TESTS },
      to: { path: '^(test|bench|demo)/' },
    },
    {
      name: 'pure-is-without-node',
      comment: 'The pure folders also run in the browser.',
      severity: 'error',
      from: { path: PURE, pathNot: TESTS },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-is-without-packages',
      comment:
        'What the browser loads is our own few lines. The protocol alone has schemas; the console takes only types of it.',
      severity: 'error',
      from: { path: PURE, pathNot: [TESTS, '^packages/shared/src/protocol/'] },
      to: { path: 'node_modules' },
    },
    {
      name: 'protocol-has-zod-alone',
      comment: 'Schemas are the one thing that is not worth writing by hand.',
      severity: 'error',
      from: { path: '^packages/shared/src/protocol/', pathNot: TESTS },
      to: { path: 'node_modules', pathNot: 'node_modules/zod/' },
    },
    {
      name: 'pure-stays-pure',
      comment: 'A pure file that imports one that is not is not pure.',
      severity: 'error',
      from: { path: PURE, pathNot: TESTS },
      to: { path: '^packages/', pathNot: PURE },
    },
    {
      name: 'decisions-are-pure',
      comment:
        'Files named plan, state or policy decide and do nothing, so that every case can be a line in a table of tests.',
      severity: 'error',
      from: { path: '-(plan|state|policy)\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'decisions-touch-no-storage',
      comment: 'See decisions-are-pure.',
      severity: 'error',
      from: { path: '-(plan|state|policy)\\.ts$' },
      to: { path: '^packages/shared/src/(fs|sqlite|log)/' },
    },
    ...ADAPTERS.map(({ packages, files }, index) => ({
      name: `only-adapters-${['speak-ssh', 'speak-websocket', 'speak-sql', 'start-processes'][index]}`,
      comment:
        'Foreign errors are translated where they enter, and what stands for the outside world can be replaced in tests.',
      severity: 'error',
      from: { path: '^packages/', pathNot: [TESTS, files] },
      to: { path: packages },
    })),
    ...stageRules,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    // Types count: who imports a type depends on what it means.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.tests.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['gapless-source', 'import', 'node', 'default', 'types'],
    },
  },
};
