/**
 * Who may know whom. The table is in ARCHITECTURE.md; `npm run boundaries` checks the tree, and a test checks that a
 * deliberate violation (script/boundaries-fixture) is caught.
 */
const tests = '\\.(test|spec)\\.ts$|-contract\\.ts$|-test-bed\\.ts$|/fixtures/';

/** Forbids `from` to import anything of ours but itself and `allowed`. */
function only(from, allowed, extra = {}) {
  const ours =
    '^(contracts|kit|cdc|control|strangler-proxy|cli|monolith|extracted|migrations|postgres|regression|bench)/';
  return {
    name: `${from.replaceAll(/[^a-z-]/g, '')}-knows-only`,
    comment: `${from} may import only: itself, ${allowed.join(', ') || 'nothing of ours'}`,
    severity: 'error',
    from: { path: `^${from}/`, pathNot: tests },
    to: { path: ours, pathNot: [`^${from}/`, ...allowed.map((path) => `^${path}`)] },
    ...extra,
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
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    only('contracts', []),
    only('kit', ['contracts/']),
    only('postgres', []),
    only('cdc/kafka', []),
    only('cdc', ['contracts/', 'kit/', 'migrations/(bus|banyan)/']),
    {
      name: 'cdc-does-not-run-kafka',
      comment: 'cdc/kafka starts a Kafka to develop and test with; cdc is handed the addresses of one.',
      severity: 'error',
      from: { path: '^cdc/src/', pathNot: tests },
      to: { path: '^cdc/kafka/' },
    },
    only('strangler-proxy', ['contracts/', 'kit/']),
    ...proxyRoomRules,
    {
      name: 'proxy-product-without-test-support',
      severity: 'error',
      from: { path: '^strangler-proxy/src/', pathNot: [tests, '/testing/'] },
      to: { path: '/testing/' },
    },
    only('control', ['contracts/', 'kit/', 'cdc/src/index\\.ts$', 'migrations/control/']),
    only('cli', ['contracts/', 'kit/', 'postgres/', 'cdc/kafka/', 'migrations/banyan/']),
    only('monolith', ['migrations/monolith/']),
    only('regression', []),
    only('migrations', []),
    {
      name: 'services-know-kit-contracts-and-the-consumer',
      severity: 'error',
      from: { path: '^extracted/([^/]+)/', pathNot: tests },
      to: {
        path: '^(kit|contracts|cdc|control|strangler-proxy|cli|monolith|extracted|migrations|postgres|regression|bench)/',
        pathNot: ['^extracted/$1/', '^migrations/$1/', '^(kit|contracts)/', '^cdc/src/consumer/index\\.ts$'],
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
    {
      name: 'only-main-wires-adapters',
      comment: 'Use cases get their adapters handed in; main.ts, index.ts and tests make them.',
      severity: 'error',
      from: { path: '/use-cases/' },
      to: { path: '/(adapters|http|messaging)/' },
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
