/** First, do no harm, with Debezium: the same forms of tables and statements as with our own reader. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../../testing/beds/reader-test-bed.ts';
import {
  forms,
  isFitOn,
  isKnownTo,
  tryAll,
  type Form,
} from '../../../testing/conformance/do-no-harm-cases.ts';
import { SourceTableError } from '../feed/source-table-error.ts';
import { createDebeziumTestBed, type DebeziumTestBed } from '../../../testing/beds/debezium-test-bed.ts';

let dbz: DebeziumTestBed;
let version = 0;
const signal = (): AbortSignal => AbortSignal.timeout(120_000);
const cases = Object.entries(forms).map(([name, form], n) => [name, `t${n}`, form] as const);
/** What PostgreSQL answers without the feed, by table. */
const before = new Map<string, readonly string[]>();
const answers = (table: string): Promise<readonly string[]> => tryAll((text) => dbz.bed.sql(text), table);

beforeAll(async () => {
  dbz = await createDebeziumTestBed('harm');
  version = Number((await dbz.bed.sql('SHOW server_version_num'))[0]?.['server_version_num']);
  for (const [, table, form] of cases) {
    if (!isKnownTo(version, form)) continue;
    await dbz.bed.sql(form.create.replaceAll(':t', `before_${table}`));
    const said = await answers(`before_${table}`);
    before.set(
      table,
      said.map((line) => line.replaceAll('before_', '')),
    );
    await dbz.bed.sql(form.create.replaceAll(':t', table));
  }
}, 300_000);
afterAll(async () => {
  await dbz.close();
});

const fitTables = (): readonly string[] =>
  cases.flatMap(([, table, form]) => (isKnownTo(version, form) && isFitOn(version, form) ? [table] : []));

async function published(): Promise<readonly unknown[]> {
  const rows = await dbz.bed.sql(
    `SELECT r.prrelid::regclass::text AS name FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
     WHERE p.pubname = $1 AND r.prrelid <> 'banyan.signal'::regclass`,
    [dbz.sourceOptions.publication],
  );
  return rows.map(({ name }) => name);
}

const qualified = (tables: readonly string[]): readonly string[] => tables.map((table) => `public.${table}`);
const ofCases = (work: (table: string, form: Form) => Promise<void>) =>
  test.each(cases)('%s', async (_name, table, form) => {
    if (isKnownTo(version, form)) await work(table, form);
  });

describe('in the feed, or refused by it', () => {
  beforeAll(async () => {
    // At once: each change of the tables starts Debezium's task anew.
    await dbz.source.ensureTables(qualified(fitTables()), signal());
  }, 180_000);

  ofCases(async (table, form) => {
    if (!isFitOn(version, form)) {
      const asked = dbz.source.ensureTables([`public.${table}`], signal());
      await expect(asked).rejects.toBeInstanceOf(SourceTableError);
      await expect(asked).rejects.toThrow(/To mend it: /);
    }
    expect(await answers(table)).toEqual(before.get(table));
    expect((await published()).includes(table)).toBe(isFitOn(version, form));
  });

  test('the feed runs on over all of it, with changes of every table that it took', async () => {
    await dbz.caughtUp();
    expect(await dbz.source.state(signal())).toEqual({ state: 'running' });
    expect(await dbz.source.feedPosition(signal())).toMatchObject({ incarnation: 1, failure: null });
    for (const table of fitTables()) expect(await dbz.records(`public.${table}`)).not.toEqual([]);
  }, 180_000);

  test('a table that becomes unfit leaves it at once, and its writes work again', async () => {
    await dbz.bed.sql('CREATE TABLE spoiled (id int PRIMARY KEY, n int)');
    await dbz.source.ensureTables(['public.spoiled'], signal());
    await dbz.bed.sql('ALTER TABLE spoiled REPLICA IDENTITY NOTHING');
    await expect(dbz.bed.sql('UPDATE spoiled SET n = 1')).rejects.toThrow(/replica identity/);
    // As the control plane does, once a second.
    expect(await dbz.source.removeUnwritable(signal())).toMatchObject([{ table: 'public.spoiled' }]);
    await dbz.bed.sql('UPDATE spoiled SET n = 1');
    await eventually('the feed runs', async () => {
      await dbz.source.mend(signal());
      return (await dbz.source.state(signal())).state === 'running';
    });
  }, 180_000);
});

describe('after it', () => {
  beforeAll(async () => {
    await dbz.source.removeTables(qualified(fitTables()), signal());
  }, 180_000);

  test('nothing is published', async () => {
    expect(await published()).toEqual([]);
  });

  ofCases(async (table) => {
    expect(await answers(table)).toEqual(before.get(table));
  });
});
