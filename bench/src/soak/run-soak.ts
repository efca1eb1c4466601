import { readFileSync } from 'node:fs';
import type { JournalEntry } from '@banyan/contracts';
import { openSqliteFile } from '@banyan/kit/sqlite';
import pg from 'pg';
import { until, type Stack } from '../../../cli/src/faults/stack.ts';
import { startChild, type Child } from '../child.ts';
import { compareCopies, type Rows } from './compare-copies.ts';
import { CustomerWatch } from './customer-watch.ts';
import { customerFigures, disturbancesOf, killFigures, lagFigures, outagesOf, type Kill } from './figures.ts';
import { givenUpOf } from './given-up.ts';
import { faultsOf, type SoakResult, type Verification } from './soak-result.ts';
import { killUntil } from './killer.ts';
import type { SoakOptions } from './options.ts';
import { Probe } from './probe.ts';
import { createRandom } from './random.ts';
import { readSourceReviews, readStoredReviews } from './read-reviews.ts';
import { reviewText, type ReviewRow } from './review-row.ts';

/** Reads that the gates do not let go to the service in this time end the soak, milliseconds. */
const TAKING_MS = 180_000;

interface Parts {
  readonly stack: Stack;
  readonly options: SoakOptions;
  readonly say: (line: string) => void;
}

/**
 * Runs the whole of Banyan with customers and an extra writer, kills its parts at random, and in the end compares
 * everything.
 *
 * @throws Error when a part does not come back or the copy does not catch up at all.
 */
export async function runSoak({ stack, options, say }: Parts): Promise<SoakResult> {
  const { shopUrl } = await stack.up(...['--stack', options.stack, '--customers', String(options.customers)]);
  say(`the shop is at ${shopUrl}, its home is ${stack.home.dir}`);
  await stack.json('advance', 'reviews', '--wait');
  // A copy that was just made lags on a busy machine, and its gates say so for a minute.
  await until('the service takes all reads', () => takeAllReads(stack).then(() => true), TAKING_MS);
  say('the copy is complete, and all reads of reviews go to the service');
  const sourceUrl = stack.secret('source.url');
  const writer = await startChild('soak/writer.ts', {
    DATABASE_URL: sourceUrl,
    SEED: String(options.seed),
    TRANSACTIONS_PER_SECOND: String(options.transactionsPerSecond),
  });
  try {
    return await soak({ stack, options, say }, { writer, sourceUrl });
  } finally {
    await writer.close();
  }
}

async function soak(
  { stack, options, say }: Parts,
  { writer, sourceUrl }: { readonly writer: Child; readonly sourceUrl: string },
): Promise<SoakResult> {
  const store = await openSqliteFile({ file: stack.home.file('reviews.sqlite'), mode: 'read' });
  const kills: Kill[] = [];
  const beganAtMs = Date.now();
  try {
    await writer.ask({ kind: 'start' });
    const watch = new CustomerWatch({
      file: stack.home.customersFile,
      onErrors: (text) => say(`customers: ${text}`),
    });
    const probe = new Probe({ writer, store });
    await killUntil({
      stack,
      probe,
      kinds: options.kinds,
      pairs: options.pairs,
      random: createRandom(options.seed + 1),
      deadlineMs: Date.now() + options.minutes * 60_000,
      onKill: (kill) => {
        kills.push(kill);
        const { kind, atMs, readyAtMs, caughtUpAtMs } = kill;
        say(`killed ${kind}: ready after ${readyAtMs - atMs} ms, caught up after ${caughtUpAtMs - atMs} ms`);
      },
      whenCalm: async () => {
        if (await readsAreBack(stack)) return;
        await takeAllReads(stack).catch((error: unknown) => {
          say(
            `the reads stay with the monolith for now: ${error instanceof Error ? error.message : String(error)}`,
          );
        });
      },
    });
    say('quiet: no more kills and no more writes');
    await probe.close();
    const { counts, rows } = (await writer.ask({ kind: 'stop' })) as {
      counts: SoakResult['writer'];
      rows: ReviewRow[];
    };
    await watch.close();
    const verification = await verifyInTheEnd(stack);
    const expected = texts(rows);
    const inSource = compareCopies(expected, texts((await readSource(sourceUrl)).values()));
    const inService = compareCopies(expected, texts((await readStoredReviews(store)).values()));
    const figures = {
      seed: options.seed,
      minutes: options.minutes,
      stack: options.stack,
      pairs: options.pairs,
      kills: killFigures(kills),
      writer: counts,
      eventsApplied: await eventsApplied(stack),
      lag: lagFigures(probe.samples, disturbancesOf(kills)),
      customers: customerFigures(watch.samples, outagesOf(kills)),
      givenUp: givenUpOf(await journalAfter(stack, beganAtMs)),
      verification,
      inSource,
      inService,
    };
    return { ...figures, faults: faultsOf(figures) };
  } finally {
    await store.destroy();
  }
}

function texts(rows: Iterable<ReviewRow>): Rows {
  return new Map(Array.from(rows, (row) => [String(row.id), reviewText(row)]));
}

async function readSource(url: string): Promise<ReadonlyMap<number, ReviewRow>> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const query = async <R extends Record<string, unknown>>(sql: string, values: readonly unknown[] = []) =>
      (await client.query<R>(sql, [...values])).rows;
    return await readSourceReviews({ query }, null);
  } finally {
    await client.end();
  }
}

async function readsAreBack(stack: Stack): Promise<boolean> {
  const { phase, share, paused } = await stack.slice();
  return phase === 'canary' && share === 1 && paused === null;
}

async function journalAfter(stack: Stack, sinceMs: number): Promise<readonly JournalEntry[]> {
  const { entries } = await stack.json<{ entries: JournalEntry[] }>('journal', 'reviews', '--limit', '1000');
  return entries.filter(({ atMs }) => atMs >= sinceMs);
}

/** As a person would who has found out that nothing is the matter any more. */
async function takeAllReads(stack: Stack): Promise<void> {
  if ((await stack.slice()).paused !== null) await stack.json('resume', 'reviews');
  await stack.json('route', 'reviews', '--share', '100%', '--reason', 'soak', '--wait');
}

/** @returns null when none came to an end. */
async function verifyInTheEnd(stack: Stack): Promise<Verification | null> {
  await until('the copy is in sync', async () => (await stack.slice()).inSync, 180_000);
  const startedAtMs = Date.now();
  await stack.banyan(['verify', 'reviews', '--wait']); // its code may say that there are differences
  const { verification } = await stack.slice();
  return verification && verification.finishedAtMs >= startedAtMs ? verification : null;
}

async function eventsApplied(stack: Stack): Promise<number> {
  const { sync } = await stack.slice();
  return sync?.tables.reduce((sum, { appliedRows }) => sum + appliedRows, 0) ?? 0;
}

/** The last lines of a part's log, for a soak that failed. */
export function lastLines(stack: Stack, part: string, lines = 20): string {
  try {
    return readFileSync(`${stack.home.logsDir}/${part}.log`, 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-lines)
      .join('\n');
  } catch {
    return '(no log)';
  }
}
