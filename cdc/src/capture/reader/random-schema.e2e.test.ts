/**
 * Random changes of rows and of their table, in and out of transactions, some rolled back, read as they come or later.
 * A trigger writes down each row as it was; the stream has to tell the same.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tableTopic } from '@banyan/contracts';
import fc from 'fast-check';
import pg from 'pg';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import { startReader, type Reader } from './reader.ts';
import {
  caughtUp,
  createTestBed,
  envelopeOf,
  PREFIX,
  readTopic,
  type TestBed,
} from '../../../testing/beds/reader-test-bed.ts';

let bed: TestBed;
let client: pg.Client;
let reader: Reader;
const bus = createMemoryBus();
const signal = AbortSignal.timeout(300_000);

beforeAll(async () => {
  bed = await createTestBed('random_schema');
  client = new pg.Client(bed.url);
  await client.connect();
  await client.query(`
    CREATE TABLE seen (n int GENERATED ALWAYS AS IDENTITY, old_id int, new_row jsonb);
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO seen (old_id, new_row) VALUES (
        CASE WHEN TG_OP <> 'INSERT' THEN OLD.id END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
      RETURN NULL; END $$`);
  reader = await startReader(bed.reader(bus));
});
afterAll(async () => {
  await client.end();
  await reader.close();
  await bed.close();
});

type Kind = 'int' | 'text';
interface Column {
  readonly name: string;
  readonly kind: Kind;
}
const action = fc.record({
  what: fc.constantFrom(
    ...[
      'insert',
      'insert',
      'update',
      'update',
      'move',
      'delete',
      'add',
      'drop',
      'rename',
      'retype',
      'identity',
    ],
    ...['begin', 'commit', 'rollback'],
  ),
  pick: fc.nat(1_000),
});
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** The SQL of actions, none of which fails. Columns are followed so that each names one that is there. */
function toSql(table: string, actions: readonly Action[]): readonly string[] {
  let columns: readonly Column[] = [{ name: 'a', kind: 'text' }];
  let before: readonly Column[] | null = null; // while a transaction is open: what a rollback brings back
  let names = 0;
  const statements: string[] = [];
  const literal = ({ kind }: Column, pick: number): string => {
    if (pick % 5 === 0) return 'NULL';
    return kind === 'int' ? String(pick - 500) : `'v${pick} "ä'`;
  };
  const one = ({ what, pick }: Action): string | null => {
    const column = columns[pick % columns.length];
    const values = columns.map((each, n) => literal(each, pick + n)).join(', ');
    const id = pick % 7;
    switch (what) {
      case 'insert':
        return `INSERT INTO ${table} (${['id', ...columns.map(({ name }) => name)].join(', ')})
          VALUES (${[String(id), ...(values ? [values] : [])].join(', ')}) ON CONFLICT DO NOTHING`;
      case 'update':
        return column
          ? `UPDATE ${table} SET ${column.name} = ${literal(column, pick)} WHERE id % 3 = ${pick % 3}`
          : null;
      case 'move':
        return `UPDATE ${table} SET id = id + 100 WHERE id = ${id} AND NOT EXISTS (SELECT FROM ${table} WHERE id = ${id + 100})`;
      case 'delete':
        return `DELETE FROM ${table} WHERE id % 100 = ${id}`;
      case 'identity':
        return `ALTER TABLE ${table} REPLICA IDENTITY ${pick % 2 === 0 ? 'FULL' : 'DEFAULT'}`;
      case 'add': {
        const added: Column = { name: `c${(names += 1)}`, kind: pick % 2 === 0 ? 'int' : 'text' };
        columns = [...columns, added];
        return `ALTER TABLE ${table} ADD COLUMN ${added.name} ${added.kind} DEFAULT ${literal(added, pick)}`;
      }
      case 'drop':
        columns = columns.filter((each) => each !== column);
        return column ? `ALTER TABLE ${table} DROP COLUMN ${column.name}` : null;
      case 'rename': {
        const name = `r${(names += 1)}`;
        columns = columns.map((each) => (each === column ? { ...each, name } : each));
        return column ? `ALTER TABLE ${table} RENAME COLUMN ${column.name} TO ${name}` : null;
      }
      case 'retype': {
        if (!column) return null;
        const kind = column.kind === 'int' ? 'text' : 'int';
        columns = columns.map((each) => (each === column ? { ...each, kind } : each));
        const using = kind === 'int' ? `length(${column.name})` : `'t' || ${column.name}`;
        return `ALTER TABLE ${table} ALTER COLUMN ${column.name} DROP DEFAULT,
          ALTER COLUMN ${column.name} TYPE ${kind} USING ${using}`;
      }
      case 'begin':
        if (before) return null;
        before = columns;
        return 'BEGIN';
      case 'commit':
      case 'rollback':
        if (!before) return null;
        if (what === 'rollback') columns = before;
        before = null;
        return what.toUpperCase();
      default:
        throw new Error(`There is no action ${what}.`);
    }
  };
  for (const each of [...actions, { what: 'commit', pick: 0 }]) statements.push(...[one(each) ?? []].flat());
  return statements;
}

/** What the trigger wrote down, as the stream should tell it. */
async function expected(): Promise<unknown[]> {
  const { rows } = await client.query<{ old_id: number | null; new_row: { id: number } | null }>(
    'SELECT old_id, new_row FROM seen ORDER BY n',
  );
  return rows.flatMap(({ old_id: old, new_row: row }): unknown[] => {
    if (!row) return [['d', old], ['tombstone']];
    if (old === null) return [['c', row]];
    return old === row.id ? [['u', row]] : [['d', old], ['tombstone'], ['c', row]];
  });
}

async function told(table: string): Promise<unknown[]> {
  await caughtUp(bed);
  return (await readTopic(bus, tableTopic(PREFIX, `public.${table}`))).map((record) => {
    const envelope = envelopeOf(record);
    if (!envelope) return ['tombstone'];
    return [envelope.op, envelope.after ?? envelope.before?.['id']];
  });
}

test('the stream tells each row as it was when it was written', async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 10, maxLength: 40 }),
      fc.boolean(),
      async (actions, later) => {
        const table = `t${(runs += 1)}`;
        await client.query(`TRUNCATE seen; CREATE TABLE ${table} (id int PRIMARY KEY, a text);
        CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION see()`);
        await bed.source.ensureTables([`public.${table}`], signal);
        if (later) await reader.close();
        for (const statement of toSql(table, actions)) await client.query(statement);
        if (later) reader = await startReader(bed.reader(bus));
        expect(await told(table)).toEqual(await expected());
      },
    ),
    { numRuns: 15 },
  );
});
