/**
 * Who may know whom. The table is in ARCHITECTURE.md; `npm run boundaries` checks the tree, and a test checks that a
 * deliberate violation (script/boundaries-fixture) is caught.
 */
const tests = '\\.(test|spec)\\.ts$|-contract\\.ts$|-test-bed\\.ts$|/fixtures/|^[a-z-]+/testing/';

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
    only('control', ['contracts/', 'kit/', 'cdc/src/index\\.ts$', 'migrations/control/']),
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
    {
      name: 'products-know-no-tests',
      comment: 'What stands in testing/ is for tests.',
      severity: 'error',
      from: { pathNot: [tests, '/testing/', '^cli/src/faults/', 'node_modules'] },
      to: { path: '^(cdc|cli|contracts|control|extracted|kit|strangler-proxy)/.*testing/' },
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
