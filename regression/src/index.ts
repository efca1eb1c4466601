export {
  BrowserNotFoundError,
  findBrowser,
  type BrowserSearch,
  type FoundBrowser,
} from './browser/find-browser.ts';
export { startCustomers, type CustomersOptions, type RunningCustomers } from './customers/run-customers.ts';
export { describeTotals, type KindCounts, type Totals } from './customers/tally.ts';
export { compareAria } from './parity/compare-aria.ts';
export { compareJson, type Json } from './parity/compare-json.ts';
export { describeDifferences, type Difference } from './parity/difference.ts';
