import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { openSqliteBus } from '@banyan/cdc/apply';
import {
  changeOf,
  environmentOf,
  makeTestSettings,
  spawnService,
  stopService,
  urlOf,
} from '@banyan/service/testing';
import { reviewsService } from './service.ts';
import { customer, product, review } from './testing/shop-rows.ts';

const BEHIND = 200_000;
/** Events of this many reviews: most are updates, as after hours away. */
const REVIEWS = 50_000;
/** How much slower a read may be while the service catches up; both are measured here, in the same process. */
const MOST_MEDIAN_RATIO = 12;
/** The longest stall while it catches up, against the slow reads of a service with nothing else to do. */
const MOST_STALL_RATIO = 60;

let settings: Awaited<ReturnType<typeof makeTestSettings>>;
let child: ChildProcess | undefined;

beforeEach(async () => {
  // What answering costs is asked here; a service this far behind would refuse.
  settings = { ...(await makeTestSettings(reviewsService)), refuseReadsAfterMs: 3_600_000 };
});
afterEach(async () => {
  if (child) await stopService(child, 'SIGKILL');
  await settings.remove();
});

/** Times one read after another until `isDone` says so of an answer. */
async function time(url: string, isDone: (count: number, reads: number) => boolean): Promise<number[]> {
  const took: number[] = [];
  for (;;) {
    const started = performance.now();
    const answer = await fetch(`${url}/v1/products/oak-stool/reviews?perPage=20`);
    const { count = 0 } = (await answer.json()) as { count?: number };
    took.push(performance.now() - started);
    if (isDone(count, took.length)) return took.toSorted((a, b) => a - b);
    await delay(2); // readers do not come without a pause
  }
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;

test('a service that catches up 200,000 events after an outage goes on answering its readers', async () => {
  const bus = await openSqliteBus({ file: settings.busFile });
  try {
    await bus.append([
      changeOf('public.products', 'r', product(1, 'oak-stool')),
      changeOf('public.customers', 'r', customer(1, 'Ada')),
    ]);
    for (let from = 0; from < BEHIND; from += 5_000) {
      const events = Array.from({ length: 5_000 }, (_, i) => {
        const id = ((from + i) % REVIEWS) + 1;
        return changeOf(
          'public.reviews',
          from < REVIEWS ? 'c' : 'u',
          review(id, { body: `Round ${from}. ${'x'.repeat(200)}` }),
        );
      });
      await bus.append(events);
    }
  } finally {
    await bus.close();
  }
  child = spawnService(new URL('main.ts', import.meta.url), environmentOf(reviewsService, settings));
  const url = await urlOf(child);
  const applied = async (): Promise<number> => {
    const headers = { authorization: `Bearer ${settings.peerToken}` };
    const report = (await (await fetch(`${url}/_banyan/sync`, { headers })).json()) as {
      tables?: { source: string; appliedRows: number }[];
    };
    return report.tables?.find(({ source }) => source === 'public.reviews')?.appliedRows ?? 0;
  };

  // 1. While it catches up. Looked at after each hundred reads.
  const busy: number[] = [];
  while ((await applied()) < BEHIND) busy.push(...(await time(url, (_count, reads) => reads === 100)));
  busy.sort((a, b) => a - b);
  // 2. Caught up, with nothing to do.
  const idle = await time(url, (count, reads) => reads >= 500 && count === REVIEWS);

  expect(busy.length).toBeGreaterThan(200);
  expect(at(busy, 0.5) / at(idle, 0.5)).toBeLessThan(MOST_MEDIAN_RATIO);
  expect(at(busy, 1) / at(idle, 0.95)).toBeLessThan(MOST_STALL_RATIO);
}, 180_000);
