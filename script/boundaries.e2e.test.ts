import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '..');
const cruiser = join(root, 'node_modules', '.bin', 'depcruise');
const config = join(root, '.dependency-cruiser.cjs');

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
}

test('every kind of forbidden import is caught', () => {
  const { stdout } = spawnSync(
    cruiser,
    [
      '--config',
      config,
      '--output-type',
      'json',
      'monolith',
      'extracted',
      'strangler-proxy',
      'control',
      'kit',
      'cdc',
      'service',
    ],
    { cwd: join(import.meta.dirname, 'boundaries-fixture'), encoding: 'utf8', timeout: 60_000 },
  );
  const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } };
  const found = summary.violations.map(({ rule, from }) => `${from}: ${rule.name}`).sort();
  expect(found).toEqual(
    [
      ...[
        'apply/http',
        'apply/quarantine',
        'apply/stores/postgres',
        'apply/stores/sqlite',
        'apply/stores',
        'apply',
        'bus/kafka',
        'bus/retention',
        'bus/sqlite',
        'bus',
        'capture/debezium',
        'capture/feed',
        'capture/postgres',
        'capture/reader',
        'capture/table-snapshot',
        'capture/wal',
        'capture',
        'rows',
        'verify/mapping-check',
        'verify/service-client',
      ].map((room) => `cdc/src/${room}/knows-another-room.ts: cdc-${room.replaceAll('/', '-')}-knows-only`),
      'cdc/src/verify/knows-test-support.ts: no-test-support-in-product',
      'control/src/gates/knows-a-store.ts: control-stores-are-wired-at-the-top',
      'control/src/http/knows-a-feature.ts: control-http-looks-down',
      'control/src/slices/knows-gates.ts: control-slices-looks-down',
      'control/src/status/knows-a-fake.ts: no-test-support-in-product',
      'extracted/reviews/src/knows-another-service.ts: services-know-kit-contracts-and-the-consumer',
      'extracted/reviews/src/knows-the-source.ts: services-know-kit-contracts-and-the-consumer',
      'extracted/reviews/src/knows-the-services-tests.ts: no-test-support-in-product',
      'extracted/reviews/src/knows-the-services-tests.ts: services-know-kit-contracts-and-the-consumer',
      'kit/src/cycle-a.ts: no-cycles',
      'kit/src/knows-the-service-kit.ts: kit-knows-only',
      'kit/src/type-cycle-a.ts: no-cycles',
      'monolith/src/knows-kit.ts: monolith-knows-only',
      'service/src/knows-the-capture.ts: service-knows-only',
      'strangler-proxy/src/forward/knows-visitor.ts: proxy-forward-knows-what-is-before-it',
      'strangler-proxy/src/knows-test-support.ts: no-test-support-in-product',
      'strangler-proxy/src/routes/domain/knows-node.ts: domain-imports-nothing',
    ].sort(),
  );
});

test('the monolith does not name Banyan', () => {
  const found = spawnSync('git', ['grep', '-il', 'banyan', '--', 'monolith', 'migrations/monolith'], {
    cwd: root,
    encoding: 'utf8',
  });
  // Test files start their database by the workspace package; nothing that runs in production does.
  const files = found.stdout
    .split('\n')
    .filter((file) => file && !/\.test\.ts$|package\.json$|README\.md$/.test(file));
  expect(files).toEqual([]);
  expect(execFileSync('git', ['ls-files', 'monolith/src'], { cwd: root, encoding: 'utf8' })).not.toBe('');
});
