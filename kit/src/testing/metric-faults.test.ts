import { expect, test } from '@jest/globals';
import { metricFaults } from './metric-faults.ts';

const described = (name: string, type: string): string =>
  `# HELP ${name} What it is\n# TYPE ${name} ${type}\n`;
const good = described('banyan_slice_lag_seconds', 'gauge');

test('names by the rules, and those of the process itself, have no faults', () => {
  const text = `${good}banyan_slice_lag_seconds{slice="a",quantile="0.5"} 1\n${described('nodejs_heap_size_used_bytes', 'gauge')}`;
  expect(metricFaults(text, ['banyan_slice_'])).toEqual([]);
});

test.each([
  ['reviews_requests_total', 'counter', 'begins with none of banyan_'],
  ['banyan_requests', 'counter', '_total is for counters'],
  ['banyan_requests_total', 'gauge', '_total is for counters'],
  ['banyan_lag_ms', 'gauge', 'has another unit'],
  ['banyan_heartbeat_age', 'gauge', 'its unit is _seconds'],
  ['banyan_wal_position', 'gauge', 'its unit is _bytes'],
  ['banyan_share', 'gauge', 'its unit is _ratio'],
])('%s as a %s %s', (name, type, fault) => {
  expect(metricFaults(described(name, type), ['banyan_']).join('\n')).toContain(fault);
});

test('a metric without help, and a label that may grow without end, are faults', () => {
  expect(metricFaults('# TYPE banyan_x gauge\nbanyan_x{path="/orders/17"} 1\n', ['banyan_'])).toEqual([
    'banyan_x has no help',
    'banyan_x has the label path, which is not known to be bounded',
  ]);
});

test('nothing of ours is no pass', () => {
  expect(() => metricFaults('', ['banyan_'])).toThrow('no metric of ours');
});
