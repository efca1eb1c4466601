/**
 * Who may know whom. The table is in ARCHITECTURE.md; `npm run boundaries` checks the tree, and a test checks that a
 * deliberate violation (script/boundaries-fixture) is caught.
 */
const tests = '\\.(test|spec)\\.ts$|-contract\\.ts$|-test-bed\\.ts$|/fixtures/|/testing/';

/** Forbids `from` to import anything of ours but itself and `allowed`. */
function only(from, allowed, extra = {}) {
  const ours =
    '^(contracts|kit|cdc|service|control|strangler-proxy|cli|monolith|extracted|migrations|postgres|regression|bench)/';
  return {
    name: `${from.replaceAll(/[^a-z-]/g, '')}-knows-only`,
    comment: `${from} may import only: itself, ${allowed.join(', ') || 'nothing of ours'}`,
    severity: 'error',
    from: { path: `^${from}/`, pathNot: tests },
    to: { path: ours, pathNot: [`^${from}/`, ...allowed.map((path) => `^${path}`)] },
    ...extra,
  };
}

/**
 * A room of `cdc/src` knows itself, what lies above it and below it (a port beside its factories), and `allowed`. Rooms
 * that are not named are closed to it, so that no two siblings know each other.
 */
function room(name, allowed) {
  const above = name.split('/').map((_, depth, parts) => parts.slice(0, depth).join('/'));
  return {
    name: `cdc-${name.replaceAll('/', '-')}-knows-only`,
    comment: `cdc/src/${name} may import only: itself, ${allowed.join(', ') || 'no other room'}`,
    severity: 'error',
    from: { path: `^cdc/src/${name}/`, pathNot: tests },
    to: {
      path: '^cdc/src/',
      pathNot: [
        `^cdc/src/${name}/`,
        ...above.filter((path) => path !== '').map((path) => `^cdc/src/${path}/[^/]+$`),
        ...allowed.map((path) => `^cdc/src/${path}/`),
      ],
    },
  };
}

/** Control's features, the lowest first: each may know those before it, types included, and none after it. */
const controlFeatures = [
  'http',
  'journal',
  'slices',
  'routes',
  'feed',
  'bus',
  'gates',
  'verification',
  'quarantine',
  'verbs',
  'reconcile',
  'status',
];

/** Forbids a feature of control to know one that stands on it, or what wires them all. */
function looksDown(feature, index) {
  const above = [
    ...controlFeatures.slice(index + 1).map((name) => `${name}/`),
    '(create|open|start)-[^/]+$',
    'main',
  ];
  return {
    name: `control-${feature}-looks-down`,
    comment: `control/src/${feature} may import only features before it in .dependency-cruiser.cjs`,
    severity: 'error',
    from: { path: `^control/src/${feature}/`, pathNot: tests },
    to: { path: `^control/src/(${above.join('|')})` },
  };
}

/** The proxy's rooms, in the order in which one may know another: each knows those before it, types included. */
const proxyRooms = ['outbound', 'routes', 'forward', 'server', 'visitor', 'decide', 'report', 'admin'];

const proxyRoomRules = proxyRooms.map((room, index) => ({
  name: `proxy-${room}-knows-what-is-before-it`,
  comment: `strangler-proxy/src/${room} may import itself and: ${proxyRooms.slice(0, index).join(', ') || 'no other room'}`,
  severity: 'error',
  from: { path: `^strangler-proxy/src/${room}/`, pathNot: tests },
  to: {
    path: '^strangler-proxy/src/',
    pathNot: proxyRooms.slice(0, index + 1).map((each) => `^strangler-proxy/src/${each}/`),
  },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', comment: 'Types included.', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-test-support-in-product',
      severity: 'error',
      from: {
        path: '^(contracts|kit|cdc|service|control|strangler-proxy|cli|monolith|extracted|postgres)/',
        pathNot: tests,
      },
      to: { path: '(/testing/|-test-bed\\.ts$|-contract\\.ts$|\\.(test|spec)\\.ts$)' },
    },
    room('rows', []),
    room('bus', ['rows']),
    room('bus/kafka', ['rows']),
    room('bus/retention', ['rows']),
    room('bus/sqlite', ['bus/retention', 'rows']),
    room('capture', ['rows', 'bus']),
    room('capture/postgres', ['rows']),
    room('capture/feed', ['capture/postgres', 'rows']),
    room('capture/wal', ['capture/feed', 'capture/postgres', 'bus', 'rows']),
    room('capture/table-snapshot', ['capture/wal', 'capture/feed', 'capture/postgres', 'bus', 'rows']),
    room('capture/reader', [
      'capture/table-snapshot',
      'capture/wal',
      'capture/feed',
      'capture/postgres',
      'bus',
      'rows',
    ]),
    room('capture/debezium', ['capture/table-snapshot', 'capture/feed', 'capture/postgres', 'bus', 'rows']),
    room('apply', ['rows', 'bus']),
    room('apply/http', ['rows', 'bus']),
    room('apply/quarantine', ['rows', 'bus']),
    room('apply/stores', ['apply/http', 'rows', 'bus']),
    room('apply/stores/postgres', ['apply/http', 'rows', 'bus']),
    room('apply/stores/sqlite', ['apply/http', 'rows', 'bus']),
    room('verify', ['apply', 'capture', 'bus', 'rows']),
    room('verify/mapping-check', ['apply', 'capture', 'bus', 'rows']),
    room('verify/service-client', ['apply', 'bus', 'rows']),
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    only('contracts', []),
    only('kit', ['contracts/']),
    only('postgres', []),
    only('cdc/kafka', []),
    only('cdc', ['contracts/', 'kit/', 'migrations/(bus|banyan)/', 'migrations/migration-source\\.ts$']),
    {
      name: 'cdc-does-not-run-kafka',
      comment: 'cdc/kafka starts a Kafka to develop and test with; cdc is handed the addresses of one.',
      severity: 'error',
      from: { path: '^cdc/src/', pathNot: tests },
      to: { path: '^cdc/kafka/' },
    },
    only('service', ['contracts/', 'kit/', 'cdc/src/(apply|bus)/index\\.ts$']),
    only('strangler-proxy', ['contracts/', 'kit/']),
    ...proxyRoomRules,
    only('control', [
      'contracts/',
      'kit/',
      'cdc/src/(bus|capture|verify)/index\\.ts$',
      'migrations/control/',
    ]),
    ...controlFeatures.map(looksDown),
    {
      name: 'control-stores-are-wired-at-the-top',
      comment:
        'A feature is handed what keeps its data; only a step and its journal entry are one transaction.',
      severity: 'error',
      from: {
        path: '^control/src/([^/]+)/',
        pathNot: [tests, '^control/src/slices/store/sqlite-slices\\.ts$'],
      },
      to: { path: '^control/src/.*/sqlite-', pathNot: '^control/src/$1/' },
    },
    only('cli', ['contracts/', 'kit/', 'postgres/', 'cdc/kafka/', 'migrations/banyan/']),
    only('monolith', ['migrations/monolith/']),
    only('regression', []),
    only('migrations', []),
    {
      name: 'services-know-kit-contracts-and-the-consumer',
      severity: 'error',
      from: { path: '^extracted/([^/]+)/', pathNot: tests },
      to: {
        path: '^(kit|contracts|cdc|service|control|strangler-proxy|cli|monolith|extracted|migrations|postgres|regression|bench)/',
        pathNot: [
          '^extracted/($1|shop-frame)/',
          '^migrations/$1/',
          '^(kit|contracts)/',
          '^service/src/index\\.ts$',
          '^cdc/src/apply/index\\.ts$',
        ],
      },
    },
    {
      name: 'domain-imports-nothing',
      comment:
        'A domain folder knows itself and the words of contracts; no package, no Node built-in, no clock.',
      severity: 'error',
      from: { path: '/domain/', pathNot: tests },
      to: { pathNot: ['/domain/', '^contracts/'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(node_modules|\\.banyan|test-results|playwright-report)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: require('node:path').join(__dirname, 'tsconfig.json') },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
