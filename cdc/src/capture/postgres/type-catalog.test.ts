import { expect, test } from '@jest/globals';
import type { AskDatabase, TextRow } from './source-database.ts';
import { TypeCatalog } from './type-catalog.ts';

/** A catalog that the test changes under the reader: OID to the row that it gives. */
function catalogOf(types: Record<number, Partial<TextRow>>): { ask: AskDatabase; asked: number[][] } {
  const asked: number[][] = [];
  const ask: AskDatabase = (_sql, values = []) => {
    const wanted = values[0] as number[];
    asked.push(wanted);
    const rows = Object.entries(types).filter(([oid]) => wanted.includes(Number(oid)));
    return Promise.resolve(
      rows.map(([oid, type]) => ({
        oid,
        modifier: '-1',
        delimiter: ',',
        base: null,
        element: null,
        ...type,
      })),
    );
  };
  return { ask, asked };
}

const INT4 = { name: 'int4', decoder: 'int4' };
const BOOL = { name: 'bool', decoder: 'bool' };
const use = (oid: number): { oid: number; modifier: number } => ({ oid, modifier: -1 });

test('asks for built-in types once, and for those of the database every time', async () => {
  const types = new TypeCatalog();
  const { ask, asked } = catalogOf({ 23: INT4, 20_000: { name: 'mood', decoder: 'text' } });
  await types.load([23, 20_000, 23], ask);
  await types.load([23, 20_000], ask);
  await types.load([23], ask);
  expect(asked).toEqual([[23, 20_000], [20_000]]);
});

test('a number that was used again means what the catalog says now, or what the stream said then', async () => {
  const types = new TypeCatalog();
  await types.load(
    [16, 20_000, 23],
    catalogOf({ 23: INT4, 16: BOOL, 20_000: { name: 'amount', base: '23' } }).ask,
  );
  expect(types.decoder(use(20_000))('1')).toBe(1);
  await types.load([20_000], catalogOf({ 20_000: { name: 'flag', base: '16' } }).ask);
  expect(types.decoder(use(20_000))('t')).toBe(true);
  expect(types.decoder(use(20_000), { schema: 'pg_catalog', name: 'bool' })('t')).toBe(true);
  // A change from before: the stream names the domain's base of then.
  expect(types.decoder(use(20_000), { schema: 'pg_catalog', name: 'int4' })('1')).toBe(1);
});

test('a type that is gone keeps what was known of it, or what the stream says of it', async () => {
  const types = new TypeCatalog();
  await types.load([20_000, 23], catalogOf({ 23: INT4, 20_000: { name: 'amount', base: '23' } }).ask);
  await types.load([20_000, 20_001], catalogOf({}).ask);
  expect(types.decoder(use(20_000))('1')).toBe(1);
  expect(types.decoder(use(20_001))('1')).toBe('1');
  expect(types.decoder(use(20_001), { schema: 'pg_catalog', name: 'int4' })('1')).toBe(1);
  expect(types.decoder(use(20_001), { schema: 'pg_catalog', name: '_int4' })('{1}')).toEqual([1]);
  expect(types.decoder(use(20_001), { schema: 'public', name: '_mood' })('{a}')).toEqual(['a']);
  expect(types.decoder(use(20_001), { schema: 'public', name: 'hstore' })('"a"=>"1"')).toBe('{"a":"1"}');
  expect(types.decoder(use(20_001), { schema: 'public', name: 'date' })('a')).toBe('a');
});
