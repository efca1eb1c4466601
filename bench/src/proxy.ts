import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { SLICE_PATH, startBanyanProxy } from './banyan-proxy.ts';
import { startChild, type Child } from './child.ts';
import type { LoadOrder, LoadResult } from './load.ts';

interface Contestant {
  readonly name: string;
  readonly url: string;
  readonly path: string;
}

interface Score {
  readonly name: string;
  /** Medians over the rounds. */
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  /** Requests per second as a share of the bare pass-through's. */
  readonly ofPassThrough: number;
}

const PASS_THROUGH = 'bare pass-through by node:http';
const WARM_UP_MS = 1_000;
/** A visitor who has been here: his cohort is dealt anew at each request, as in earnest. */
const COOKIE = 'banyan_visitor=AAAAAAAAAAAAAAAAAAAAAA; csrf=abcdefghijklmnopqrstuvwxyz012345';

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;

function urlOf({ ready }: Child): string {
  return (ready as { url: string }).url;
}

/** Starts everything that takes part; `started` is what to close, in order. */
async function startContestants(
  started: Child[],
  {
    folder,
    bytes,
    beside,
  }: { readonly folder: string; readonly bytes: string; readonly beside: string | null },
): Promise<Contestant[]> {
  const start = async (file: string, env: Record<string, string> = {}): Promise<string> => {
    const child = await startChild(`contestants/${file}`, env);
    started.push(child);
    return urlOf(child);
  };
  const upstream = await start('upstream.ts', { BODY_BYTES: bytes });
  const banyan = await startBanyanProxy(upstream, folder);
  started.push(banyan);
  const other = beside === null ? [] : await startOther(beside, { started, folder, upstream });
  const env = { UPSTREAM_URL: upstream };
  return [
    { name: 'upstream itself', url: upstream, path: '/' },
    { name: PASS_THROUGH, url: await start('node-pass-through.ts', env), path: '/' },
    { name: 'bare pass-through by undici', url: await start('undici-pass-through.ts', env), path: '/' },
    { name: 'banyan, page of the monolith', url: banyan.url, path: '/products/teapot' },
    { name: 'banyan, slice in canary', url: banyan.url, path: SLICE_PATH },
    ...other,
    {
      name: 'http-proxy-middleware 4, keep-alive',
      url: await start('http-proxy-middleware.ts', env),
      path: '/',
    },
  ];
}

/** The proxy of another checkout, started by its own benchmark, since its settings may be others. */
async function startOther(
  checkout: string,
  {
    started,
    folder,
    upstream,
  }: { readonly started: Child[]; readonly folder: string; readonly upstream: string },
): Promise<Contestant[]> {
  const file = pathToFileURL(join(resolve(checkout), 'bench/src/banyan-proxy.ts'));
  const { startBanyanProxy: start } = (await import(file.href)) as {
    startBanyanProxy: typeof startBanyanProxy;
  };
  const ownFolder = join(folder, 'other');
  await mkdir(ownFolder);
  const proxy = await start(upstream, ownFolder);
  started.push(proxy);
  return [
    { name: 'other checkout, page of the monolith', url: proxy.url, path: '/products/teapot' },
    { name: 'other checkout, slice in canary', url: proxy.url, path: SLICE_PATH },
  ];
}

/** Rounds are interleaved, so that whatever else the machine does hits all alike. */
async function measure(
  contestants: readonly Contestant[],
  load: Child,
  settings: { readonly rounds: number; readonly timeMs: number; readonly connections: number },
): Promise<Map<string, LoadResult[]>> {
  const results = new Map<string, LoadResult[]>(contestants.map(({ name }) => [name, []]));
  const { connections } = settings;
  for (let round = 0; round <= settings.rounds; round++) {
    for (const { name, url, path } of contestants) {
      const timeMs = round === 0 ? WARM_UP_MS : settings.timeMs;
      const order: LoadOrder = { url, path, connections, timeMs, headers: { cookie: COOKIE } };
      const result = (await load.ask(order)) as LoadResult;
      if (round > 0) results.get(name)?.push(result);
    }
  }
  return results;
}

function score(results: ReadonlyMap<string, readonly LoadResult[]>): Score[] {
  const rate = (name: string): number =>
    median((results.get(name) ?? []).map(({ requestsPerSecond }) => requestsPerSecond));
  return [...results].map(([name, rounds]) => ({
    name,
    requestsPerSecond: rate(name),
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    ofPassThrough: rate(name) / rate(PASS_THROUGH),
  }));
}

function table(scores: readonly Score[]): string {
  const rows = [
    ['', 'requests/s', 'of bare', 'p50 ms', 'p99 ms', 'errors'],
    ...scores.map((line) => [
      line.name,
      line.requestsPerSecond.toFixed(0),
      `${(line.ofPassThrough * 100).toFixed(0)} %`,
      line.p50Ms.toFixed(2),
      line.p99Ms.toFixed(2),
      String(line.errors),
    ]),
  ];
  const widths =
    rows[0]?.map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  '),
    )
    .join('\n');
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
    bytes: { type: 'string', default: '1200' },
    beside: { type: 'string' },
  },
});
const settings = {
  rounds: Number(values.rounds),
  timeMs: Number(values.seconds) * 1_000,
  connections: Number(values.connections),
  bytes: Number(values.bytes),
};
if (!Object.values(settings).every((value) => value > 0)) {
  console.error('--rounds, --seconds, --connections and --bytes are numbers above 0.');
  process.exit(2);
}

const started: Child[] = [];
const folder = await mkdtemp(join(tmpdir(), 'banyan-bench-'));
try {
  const { bytes, beside = null } = values;
  const contestants = await startContestants(started, { folder, bytes, beside });
  const load = await startChild('load.ts');
  started.push(load);
  const scores = score(await measure(contestants, load, settings));
  if (values.json) {
    console.log(
      JSON.stringify({ schema_version: 1, node: process.version, cores: cpus().length, settings, scores }),
    );
  } else {
    const { rounds, timeMs, connections, bytes } = settings;
    console.log(
      `Node ${process.version}, ${cpus().length} cores, ${connections} connections, answers of ${bytes} bytes,`,
    );
    console.log(
      `median of ${rounds} interleaved rounds of ${timeMs / 1_000} s; load and proxies share the cores.\n`,
    );
    console.log(table(scores));
  }
} finally {
  for (const child of started.toReversed()) await child.close();
  await rm(folder, { recursive: true });
}
