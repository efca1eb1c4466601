import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite, type SqliteFile } from '../adapters/open-sqlite.ts';
import type { Copy } from '../copy.ts';

/** A real store in a folder of its own, for tests. `close` removes both. */
export async function openTestStore(): Promise<SqliteFile & { readonly file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'reviews-'));
  const file = join(folder, 'reviews.sqlite');
  const store = await openSqlite(file);
  return {
    ...store,
    file,
    close: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A row of `review` as the consumer would write it; whatever matters to a test is given. */
export function reviewRow(given: Readonly<Record<string, string | number>> & { readonly review_id: number }) {
  return {
    product: 1,
    author: 1,
    stars: 4,
    headline: `Headline ${given.review_id}`,
    text: 'Well made.',
    visibility: 'visible',
    helpful: 0,
    written_at: '2026-01-02T03:04:05.678901Z',
    changed_at: '2026-01-02T03:04:05.678901Z',
    ...given,
  };
}

/** A copy that says what it is told to, and has no routes. */
export function fakeCopy(
  problems: () => readonly string[] = () => [],
): Pick<Copy, 'routes' | 'report' | 'problems' | 'unfitness'> {
  return {
    problems,
    unfitness: () => null,
    report: () => null,
    routes: (_request, _response, next) => {
      next();
    },
  };
}
