import { runBenchCommand } from './feed/bench-command.ts';
import { feedPage } from './feed/feed-page.ts';
import { markdownOf } from './feed/report.ts';
import { feedBenchNames, runFeedBenches } from './feed/run-feed-benches.ts';

const USAGE = `npm run bench:feed -- [NAME...] [--full] [--write FILE] [--json]
  NAME                 ${feedBenchNames.join(', ')}; default: all
  --full               a million rows where the default is 100,000 (about half an hour)
  --rounds N           default 3
  --rows N             backlog of reader and consumer
  --snapshot-rows N, --verify-rows N, --transaction-rows N
  --rates A,B          transactions a second of the lag benchmark, default 100,1000
  --lag-seconds N      for each rate
  --write FILE         writes a page of documentation, e.g. docs/reference/feed-benchmarks.md
  --json               prints JSON (schema_version 1) instead of tables
example: npm run bench:feed -- reader apply --rows 20000`;

await runBenchCommand({
  usage: USAGE,
  names: feedBenchNames,
  run: runFeedBenches,
  filesOf: (file, { measurements, machine }, dateIso) =>
    Promise.resolve({ [file]: markdownOf(measurements, { page: feedPage, machine, dateIso }) }),
});
