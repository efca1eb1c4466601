import { createRequire } from 'node:module';

// The order in which jest begins test files: those that take longest first, so that no worker is left with one while the
// others have nothing to do. jest knows by itself how long they took last time, but a fresh clone has no last time.

/** From the closing reports of `npm test`, the longest first. One that is gone, or missing here, costs time and no test. */
const longest = [
  'cli/src/faults/listeners.e2e.test.ts',
  'cli/src/faults/kill.e2e.test.ts',
  'control/src/slices/ledger/unwritable-store.test.ts',
  'cli/src/faults/renamed-column.e2e.test.ts',
  'cli/src/faults/up-and-down.e2e.test.ts',
  'cli/src/faults/own-database.e2e.test.ts',
  'cdc/src/capture/reader/kill.e2e.test.ts',
  'cli/src/supervise/supervised-process.e2e.test.ts',
  'control/src/feed/large-change.e2e.test.ts',
  'cli/src/faults/stall.e2e.test.ts',
  'cli/src/faults/stale.e2e.test.ts',
  'control/src/feed/two-slices.e2e.test.ts',
  'kit/src/upload-pace.test.ts',
  'cdc/testing/conformance/mixed.e2e.test.ts',
  'cdc/src/verify/verify.e2e.test.ts',
  'cli/src/walkthrough/walkthrough.e2e.test.ts',
  'fixtures/express-jwt/express-jwt.e2e.test.ts',
  'fixtures/python-gateway/python-gateway.e2e.test.ts',
  'cdc/src/verify/row-reread.e2e.test.ts',
  'cli/src/faults/disk-full.e2e.test.ts',
  'control/src/feed/widening.e2e.test.ts',
  'cdc/src/capture/reader/kill-at-step.e2e.test.ts',
];

const placeOf = ({ path }) => {
  const place = longest.findIndex((file) => path.replaceAll('\\', '/').endsWith(`/${file}`));
  return place === -1 ? longest.length : place;
};

// jest's own, which orders the rest; by the packages that name it, since it is none of ours.
const Sequencer = ['jest', '@jest/core', 'jest-config'].reduce(
  (require, name) => createRequire(require.resolve(`${name}/package.json`)),
  createRequire(import.meta.url),
)('@jest/test-sequencer').default;

export default class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => placeOf(a) - placeOf(b));
  }
}
