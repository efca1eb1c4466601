import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readFeedOptions, UsageError, type FeedOptions } from './feed/options.ts';
import { markdownOf, textOf } from './feed/report.ts';
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

function optionsOrExit(): FeedOptions {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(USAGE);
    process.exit(0);
  }
  try {
    return readFeedOptions(args, feedBenchNames);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const options = optionsOrExit();
const { machine, measurements } = await runFeedBenches({
  ...options,
  onMeasured: (measurement) => {
    if (!options.json) console.log(`${textOf(measurement)}\n`);
  },
});
if (options.json) {
  console.log(JSON.stringify({ schema_version: 1, machine, sizes: options.sizes, measurements }));
}
if (options.writeFile !== null) {
  const file = resolve(options.writeFile);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, markdownOf(measurements, machine, new Date().toISOString().slice(0, 10)));
}
