import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { FieldValue } from '@banyan/contracts';
import fc from 'fast-check';
import type { Knex } from 'knex';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { canonicalRow, hashOf } from '../../../rows/canonical.ts';
import { hashPieces } from '../../http/answer-ranges.ts';
import { createFolder } from '../../../../testing/beds/consumer-test-bed.ts';
import { compileMapping } from '../../../rows/mapping.ts';
import { createSqliteRangeReader } from './sqlite-range.ts';

const table = compileMapping({
  source: 'public.things',
  target: 'thing',
  kind: 'owned',
  key: ['n'],
  columns: { n: 'n', v: 'v' },
});
const all = { table: 'thing', afterKey: null, pieces: [{ toKey: null, maxRows: 100 }] };
let folder: Awaited<ReturnType<typeof createFolder>>;
let knex: Knex;

beforeAll(async () => {
  folder = await createFolder();
  knex = await openSqliteFile({ file: folder.file('store.sqlite') });
  await knex.raw('PRAGMA synchronous = OFF');
  await knex.raw('CREATE TABLE thing (n INTEGER PRIMARY KEY, v)');
});
beforeEach(() => knex.raw('DELETE FROM thing'));
afterAll(async () => {
  await knex.destroy();
  await folder.remove();
});

/** Integers go in as SQL, since the driver binds doubles. */
async function insert(values: readonly FieldValue[]): Promise<void> {
  const rows = values.map((v, n) => {
    if (typeof v === 'bigint') return { sql: `(${n}, CAST('${v}' AS INTEGER))`, bindings: [] };
    return { sql: `(${n}, ${typeof v === 'number' ? '? + 0.0' : '?'})`, bindings: [v as string | null] };
  });
  const list = rows.map(({ sql }) => sql).join(', ');
  await knex.raw(
    `INSERT INTO thing VALUES ${list}`,
    rows.flatMap(({ bindings }) => bindings),
  );
}

test('SQLite writes a row of any text and integer as JavaScript does, and leaves those with a real to it', async () => {
  const reader = createSqliteRangeReader(knex);
  const rowByRow = { page: reader.page.bind(reader) };
  const anyText = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => text.isWellFormed());
  const anyInteger = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const anyReal = fc.double({ noNaN: true, noDefaultInfinity: true });
  const anyValue = fc.oneof(
    { arbitrary: anyText, weight: 8 },
    { arbitrary: anyInteger, weight: 4 },
    fc.constant(null),
    anyReal,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(anyValue, { minLength: 1, maxLength: 10 }), async (values) => {
      await knex.raw('DELETE FROM thing');
      await insert(values);
      const lines = values.map((v, n) => `${canonicalRow([n, Object.is(v, -0) ? 0 : v])}\n`);
      const expected = { rows: values.length, hash: hashOf(lines.join('')) };
      expect((await hashPieces(reader, table, all)).pieces).toEqual([expected]);
      expect((await hashPieces(rowByRow, table, all)).pieces).toEqual([expected]);
    }),
    { numRuns: 100 },
  );
});

test('each control character and quote is written as JavaScript does', async () => {
  const values = Array.from({ length: 128 }, (_, code) => `<${String.fromCharCode(code + 1)}>`);
  await insert([...values, '\u2028\u2029\u0085\ufeff\\"', '😀é\u{10ffff}']);
  const lines = [...values, '\u2028\u2029\u0085\ufeff\\"', '😀é\u{10ffff}'].map((v, n) =>
    canonicalRow([n, v]),
  );
  const request = { ...all, pieces: [{ toKey: null, maxRows: 200 }] };
  const report = await hashPieces(createSqliteRangeReader(knex), table, request);
  expect(report.pieces).toEqual([{ rows: 130, hash: hashOf(`${lines.join('\n')}\n`) }]);
});
