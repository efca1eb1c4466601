import { describe, expect, test } from '@jest/globals';
import { renamedValues, type StoreReport, type StoreTable, type TableMapping } from '@banyan/contracts';
import type { SourceTable } from '../../capture/feed/table-feed.ts';
import { checkMapping } from './check-mapping.ts';
import { checkTransforms } from './check-transforms.ts';

const mapping: TableMapping = {
  source: 'public.notes',
  target: 'note',
  kind: 'owned',
  key: ['id'],
  columns: {
    id: 'note_id',
    title: 'headline',
    status: { to: 'visibility', transform: renamedValues('words', { published: 'visible' }) },
  },
  constants: { shop: 'main' },
  personal: ['title'],
};
const source: SourceTable = {
  name: 'public.notes',
  key: ['id'],
  estimatedRows: 1,
  notNull: ['id', 'title', 'status'],
  columns: { id: 'bigint', title: 'text', status: 'character varying(20)', total: 'numeric(10,2)' },
};
const column = (name: string, type: string, change: Partial<StoreTable['columns'][number]> = {}) => ({
  name,
  type,
  nullable: false,
  hasDefault: false,
  generated: false,
  ...change,
});
const table: StoreTable = {
  name: 'note',
  columns: [
    column('note_id', 'INTEGER', { hasDefault: true }),
    column('headline', 'TEXT'),
    column('visibility', 'TEXT'),
    column('shop', 'TEXT'),
    column('made_here', 'TEXT', { nullable: true }),
  ],
  uniqueKeys: [['note_id']],
  foreignKeys: [{ columns: ['shop'], references: 'shop', deferrable: true }],
};
const store = (change: Partial<StoreTable> = {}): StoreReport => ({
  kind: 'sqlite',
  tables: [{ ...table, ...change }],
});
const changed = (name: string, change: Partial<StoreTable['columns'][number]>): StoreReport =>
  store({ columns: table.columns.map((each) => (each.name === name ? { ...each, ...change } : each)) });

test('a mapping that fits both sides has no findings', () => {
  expect(checkMapping({ mapping, source, store: store() })).toEqual([]);
});

test('a unique index of values that are unique at the source at every moment is fine', () => {
  const uniqueKeys = [
    ['note_id'],
    ['headline'],
    ['headline', 'visibility'],
    ['made_here'],
    ['headline', 'shop'],
  ];
  const sides = { source: { ...source, uniqueKeys: [['id'], ['title']] }, store: store({ uniqueKeys }) };
  expect(checkMapping({ mapping, ...sides })).toEqual([]);
});

describe('each finding says what to do:', () => {
  const columns = (more: TableMapping['columns']): TableMapping => ({
    ...mapping,
    columns: { ...mapping.columns, ...more },
  });
  test.each<[string, Partial<Parameters<typeof checkMapping>[0]>, RegExp]>([
    [
      'another primary key',
      { source: { ...source, key: ['id', 'shop'] } },
      /primary key is \(id, shop\): correct "key"/,
    ],
    [
      'a source column that is missing',
      { mapping: columns({ nope: 'made_here' }) },
      /public\.notes has no column nope/,
    ],
    [
      'a mask under a wrong name',
      { mapping: { ...mapping, personal: ['titel'] } },
      /no column titel.*"personal"/,
    ],
    [
      'a target table that is missing',
      { store: { kind: 'sqlite', tables: [] } },
      /no table "note".*migration/,
    ],
    [
      'a target column that is missing',
      { mapping: columns({ total: 'sum' }) },
      /note has no column "sum", where public\.notes\.total/,
    ],
    [
      'a constant without a column',
      { mapping: { ...mapping, constants: { shop: 'a', nope: 1 } } },
      /no column "nope", where a constant/,
    ],
    [
      'a constant null that may not be',
      { mapping: { ...mapping, constants: { shop: null } } },
      /note\.shop is NOT NULL, and the constant/,
    ],
    [
      'a generated column',
      { store: changed('headline', { generated: true }) },
      /nothing can be written to it/,
    ],
    [
      'NOT NULL, and nothing goes there',
      { store: changed('made_here', { nullable: false }) },
      /made_here is NOT NULL without a default/,
    ],
    [
      'null into NOT NULL',
      { source: { ...source, notNull: ['id', 'status'] } },
      /title .*may be null there and not here/,
    ],
    [
      'digits that get lost',
      {
        mapping: columns({ total: 'made_here' }),
        store: changed('made_here', { type: 'REAL', nullable: true }),
      },
      /total \(numeric\(10,2\)\) -> note\.made_here \(REAL\): .*use TEXT/,
    ],
    [
      'no unique index',
      { store: store({ uniqueKeys: [['headline']] }) },
      /no primary key or unique index on \(note_id\)/,
    ],
    [
      'a key whose text sorts otherwise',
      { source: { ...source, columns: { ...source.columns, id: 'time with time zone' } } },
      /no verification could compare .* id \(time with time zone\)/,
    ],
    [
      'a unique index of values that rows may exchange',
      {
        source: { ...source, uniqueKeys: [['id'], ['title', 'total']] },
        store: store({ uniqueKeys: [['note_id'], ['headline']] }),
      },
      /note \(headline\) is unique, but rows of public\.notes may share or exchange values of \(title\).*DEFERRABLE/,
    ],
    [
      'more columns than SQLite takes',
      { mapping: columns(Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`c${i}`, `c${i}`]))) },
      /903 columns are mapped, and SQLite takes 900/,
    ],
    [
      'a foreign key checked row by row',
      { store: store({ foreignKeys: [{ columns: ['shop'], references: 'shop', deferrable: false }] }) },
      /references shop.*make it DEFERRABLE/,
    ],
  ])('%s', (_, change, finding) => {
    const found = checkMapping({ mapping, source, store: store(), ...change });
    expect(found.join('\n')).toMatch(finding);
  });

  test('all of them at once, and what one side alone tells', () => {
    const wrong = { ...mapping, key: ['uid'], columns: { uid: 'note_id', nope: 'nowhere' } };
    expect(checkMapping({ mapping: wrong, source, store: store() })).toHaveLength(5);
    expect(checkMapping({ mapping: wrong, source, store: null })).toHaveLength(2);
    expect(checkMapping({ mapping: wrong, source: null, store: store() })).toHaveLength(3);
  });
});

describe('transforms are tried on rows of the source', () => {
  const [id, kind] = [renamedValues('id', {}), 'owned' as const];
  const upper = {
    name: 'upper',
    forward: (value: unknown) => (value as string).toUpperCase(),
    inverse: (value: unknown) => (value as string).toLowerCase(),
  } as typeof id;
  const of = (transform: typeof id, change: Partial<TableMapping> = {}): TableMapping => ({
    source: 'public.t',
    target: 't',
    kind,
    key: ['id'],
    columns: { id: 'id', v: { to: 'v', transform } },
    ...change,
  });
  const rows = [
    { id: 1, v: 'lower' },
    { id: 2, v: 'Secret' },
    { id: 3, v: 'Upper' },
  ];

  test('a value that does not come back is found, by key and not by value', () => {
    const [finding = '', ...more] = checkTransforms(of(upper), rows);
    expect(finding).toMatch(
      /public\.t\.v: the transform upper .*does not bring back, for 2 of 3 rows.*\[2\]/,
    );
    expect(finding).not.toMatch(/secret/i);
    expect(more).toEqual([]);
    expect(checkTransforms(of(id), rows)).toEqual([]);
  });

  test('a copy that is never written back needs a transform that does not throw, and no more', () => {
    expect(checkTransforms(of(upper, { kind: 'reference' }), rows)).toEqual([]);
    expect(checkTransforms(of(upper, { kind: 'reference' }), [{ id: 4, v: null }])).toEqual([
      expect.stringMatching(/throws, for 1 of 1 rows/),
    ]);
  });
});
