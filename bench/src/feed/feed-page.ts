import type { Page } from './report.ts';

/** docs/reference/feed-benchmarks.md */
export const feedPage: Page = {
  title: 'Benchmarks of the feed',
  command: 'npm run bench:feed -- --write docs/reference/feed-benchmarks.md',
  about: '',
  versions: [],
};
