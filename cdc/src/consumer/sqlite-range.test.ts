import { expect, test } from '@jest/globals';
import type { FieldValue } from '@banyan/contracts';
import fc from 'fast-check';
import { openSqliteFile } from '../sqlite/open-file.ts';
import { canonicalRow, hashOf } from '../verify/canonical.ts';
import { hashPieces } from './answer-ranges.ts';
import { createFolder } from './consumer-test-bed.ts';
import { compileMapping } from './mapping.ts';
import { createSqliteRangeReader } from './sqlite-range.ts';

const table = compileMapping({
  source: 'public.pairs',
  target: 'pair',
  kind: 'owned',
  key: ['n'],
  columns: { n: 'n', v: 'v' },
});

const anyValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => text.isWellFormed()),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constant(null),
);
const anyRow = fc.record({
  v: anyValue,
  real: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
});

test('SQLite writes a row of any text and integer as JavaScript does; rows with a real go another way', async () => {
  const folder = await createFolder();
  const knex = await openSqliteFile({ file: folder.file('store.sqlite') });
  const reader = createSqliteRangeReader(knex);
  const request = { table: 'pair', afterKey: null, pieces: [{ toKey: null, maxRows: 100 }] };
  const lineOf = (n: number, v: FieldValue): string => `${canonicalRow([n, v])}\n`;
  try {
    await knex.raw('CREATE TABLE pair (n INTEGER PRIMARY KEY, v)');
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 20 }), async (made) => {
        await knex.raw('DELETE FROM pair');
        for (const [n, { v, real }] of made.entries()) {
          if (real !== null) await knex.raw('INSERT INTO pair VALUES (?, ? + 0.0)', [n, real]);
          else if (typeof v === 'bigint') await knex.raw(`INSERT INTO pair VALUES (?, ${v})`, [n]);
          else await knex.raw('INSERT INTO pair VALUES (?, ?)', [n, v]);
        }
        const report = await hashPieces(reader, table, request);
        const rowByRow = { page: reader.page.bind(reader) };
        expect(report).toEqual(await hashPieces(rowByRow, table, request));
        if (made.every(({ real }) => real === null)) {
          const text = made.map(({ v }, n) => lineOf(n, v)).join('');
          expect(report.pieces).toEqual([{ rows: made.length, hash: hashOf(text) }]);
        }
      }),
      { numRuns: 60 },
    );
  } finally {
    await knex.destroy();
    await folder.remove();
  }
});
