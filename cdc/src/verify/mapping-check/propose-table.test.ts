import { expect, test } from '@jest/globals';
import type { StoreReport } from '@banyan/contracts';
import type { SourceTable } from '../../capture/feed/table-feed.ts';
import { checkMapping } from './check-mapping.ts';
import { proposeTable } from './propose-table.ts';

const TYPES = [
  ...['smallint', 'integer', 'bigint', 'numeric', 'numeric(10,2)', 'real', 'double precision', 'boolean'],
  ...['text', 'citext', 'character varying(120)', 'character(3)', 'bytea', 'json', 'jsonb', 'date', 'uuid'],
  ...['time(3) without time zone', 'timestamp without time zone', 'timestamp(3) with time zone', 'inet'],
  ...['interval', 'time with time zone', 'text[]', 'character varying(9)[]', 'box[]', 'public.mood'],
];
const source: SourceTable = {
  name: 'public.things',
  key: ['id'],
  columns: { id: 'bigint', ...Object.fromEntries(TYPES.map((type, i) => [`c${i}`, type])) },
  notNull: ['c0'],
  estimatedRows: 7,
};

test.each(['sqlite', 'postgres'] as const)('types proposed for %s are those that the check takes', (kind) => {
  const { table, problems } = proposeTable(source);
  const store: StoreReport = {
    kind: kind === 'sqlite' ? 'sqlite' : 'postgresql',
    tables: [
      {
        name: 'thing',
        columns: table.columns.map(({ name, notNull, stores }) => ({
          ...{ name, type: stores[kind], nullable: !notNull, hasDefault: false, generated: false },
        })),
        uniqueKeys: [['id']],
        foreignKeys: [],
      },
    ],
  };
  const columns = Object.fromEntries(table.columns.map(({ name }) => [name, name]));
  const mapping = { source: source.name, target: 'thing', kind: 'reference', key: ['id'], columns } as const;
  expect(checkMapping({ mapping, source, store })).toEqual([]);
  expect(problems).toEqual([]);
});

test('says what a column is, and which may be null', () => {
  const { columns, ...table } = proposeTable(source).table;
  expect(table).toEqual({ name: 'public.things', key: ['id'], estimatedRows: 7 });
  expect(columns.filter(({ notNull }) => notNull).map(({ name }) => name)).toEqual(['id', 'c0']);
  expect(columns.at(-1)).toEqual({
    ...{ name: 'c26', type: 'public.mood', kind: 'other', notNull: false, problem: null },
    stores: { sqlite: 'TEXT', postgres: 'text' },
  });
});

test('names a key that no verification could sort, and a column that the feed cannot carry', () => {
  const unfit = { ...source, key: ['c21'], uncarried: { c1: 'why', c21: 'why not' } };
  const { table, problems } = proposeTable(unfit);
  expect(table.columns.find(({ name }) => name === 'c1')?.problem).toBe('why');
  expect(problems.join('\n')).toMatch(/key column c21 \(interval\)[^]*c21 cannot be copied: why not/);
});
