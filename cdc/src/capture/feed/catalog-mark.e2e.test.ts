/** What of a table's definition changes so that rows which were copied before may be wrong, and what does not. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestBed, type TestBed } from '../../../testing/beds/reader-test-bed.ts';
import { catalogChanges, type CatalogMark } from './catalog-mark.ts';

let bed: TestBed;
const signal = AbortSignal.timeout(300_000);
const look = (): Promise<CatalogMark> =>
  bed.source.catalogMark({ 'public.t': ['id', 'n', 'mood', 'moods', 'note'] }, signal);

beforeAll(async () => {
  bed = await createTestBed('catalog_mark');
});
afterAll(() => bed.close());

async function changesOf(...statements: readonly string[]): Promise<readonly string[]> {
  await bed.sql(`DROP TABLE IF EXISTS t, elsewhere; DROP TYPE IF EXISTS mood CASCADE;
    CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN state AS mood;
    CREATE TABLE t (id int PRIMARY KEY, n int, mood state, moods mood[], note varchar(20), other text);
    INSERT INTO t VALUES (1, 1, 'sad', '{ok}', 'a', 'b')`);
  const before = await look();
  for (const statement of statements) await bed.sql(statement);
  return catalogChanges(before, await look());
}

test.each<[what: string, statements: readonly string[], found: RegExp]>([
  ['a value renamed', [`ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'`], /'sad' of the type mood.*'blue' now/],
  [
    'a value renamed and back',
    [`ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'`, `ALTER TYPE mood RENAME VALUE 'blue' TO 'sad'`],
    /'sad' of the type mood was renamed/,
  ],
  ['values rewritten', ['ALTER TABLE t ALTER n TYPE int USING n * 100'], /values of public\.t\.n may/],
  ['another type', ['ALTER TABLE t ALTER n TYPE bigint'], /public\.t\.n has another type/],
  ['a column renamed', ['ALTER TABLE t RENAME n TO m'], /no column n any more/],
  [
    'a column renamed, and another added under its name',
    ['ALTER TABLE t RENAME n TO m', 'ALTER TABLE t ADD n int DEFAULT 7'],
    /public\.t\.n is another column/,
  ],
  [
    'two columns that exchange their names',
    [
      'ALTER TABLE t RENAME note TO x',
      'ALTER TABLE t RENAME other TO note',
      'ALTER TABLE t RENAME x TO other',
    ],
    /public\.t\.note is another column/,
  ],
  [
    'the table renamed and back',
    ['ALTER TABLE t RENAME TO elsewhere', 'ALTER TABLE elsewhere RENAME TO t'],
    /public\.t was renamed or moved/,
  ],
  ['the table renamed', ['ALTER TABLE t RENAME TO elsewhere'], /public\.t is gone/],
])('%s', async (_what, statements, found) => {
  expect((await changesOf(...statements)).join('; ')).toMatch(found);
});

test.each([
  ['nothing', ['SELECT 1']],
  ['another column', ['ALTER TABLE t ADD more int DEFAULT 7', 'ALTER TABLE t DROP other']],
  ['another value', [`ALTER TYPE mood ADD VALUE 'fine' AFTER 'ok'`]],
  [
    'default, NOT NULL, statistics',
    ['ALTER TABLE t ALTER n SET DEFAULT 1, ALTER n SET NOT NULL, ALTER n SET STATISTICS 9'],
  ],
  ['room for longer texts', ['ALTER TABLE t ALTER note TYPE varchar(40)']],
  [
    'written anew',
    ['VACUUM FULL t', 'TRUNCATE t', 'VACUUM (FREEZE, FULL) pg_attribute', 'VACUUM (FREEZE, FULL) pg_enum'],
  ],
  ['indexes, triggers, rights', ['CREATE INDEX ON t (n)', 'GRANT SELECT ON t TO PUBLIC', 'ANALYZE t']],
])('no change: %s', async (_what, statements) => {
  expect(await changesOf(...statements)).toEqual([]);
});

test('of partitions, too', async () => {
  await bed.sql(`CREATE TABLE p (id int PRIMARY KEY, n int) PARTITION BY RANGE (id);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (5)`);
  const mark = (): Promise<CatalogMark> => bed.source.catalogMark({ 'public.p': ['id', 'n'] }, signal);
  const before = await mark();
  await bed.sql('CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (5) TO (9)');
  expect(catalogChanges(before, await mark())).toEqual([]);
  await bed.sql('ALTER TABLE p ALTER n TYPE int USING n + 1');
  expect(catalogChanges(before, await mark())).toEqual(['the values of public.p.n may have been rewritten']);
});
