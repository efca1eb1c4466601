/** What tests of the reader share: a database with Banyan's schema, and ways to wait and to look at the bus. */
import { expect } from '@jest/globals';
import { parseExactJson, stringifyExactJson, tableTopic, type Envelope, type Row } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import { createTestDatabase } from '@banyan/postgres';
import knex from 'knex';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { migrateBanyan } from '../../../migrations/banyan/index.ts';
import type { Bus, SourceLog, StoredRecord } from '../../src/bus/bus.ts';
import { decodeRow, readTable, TypeCatalog } from '../../src/capture/postgres/catalog.ts';
import { readKeyRange } from '../../src/capture/postgres/key-range.ts';
import { createPostgresSource } from '../../src/capture/feed/postgres-source.ts';
import { SourceDatabase } from '../../src/capture/postgres/source-database.ts';
import type { PostgresSource } from '../../src/capture/feed/postgres-source.ts';
import type { CarriedTable } from '../../src/capture/feed/table-feed.ts';
import type { ReaderOptions } from '../../src/capture/reader/reader.ts';

export const PREFIX = 'shop';

export interface TestBed {
  readonly url: string;
  readonly slot: string;
  readonly publication: string;
  readonly source: NamedTables<PostgresSource>;
  /** Runs SQL on one connection. */
  sql(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Options of a reader of this database. */
  reader(log: ReaderOptions['log']): ReaderOptions;
  /** Environment of a reader that is a process of its own. */
  readerEnv(busFile: string): Record<string, string>;
  /** Drops slot and publication, once no reader holds the slot. */
  dropFeed(): Promise<void>;
  close(): Promise<void>;
}

/** A source that takes a table's name alone for the whole table, every column of it. */
export type NamedTables<S extends PostgresSource> = S & {
  ensureTables(tables: readonly (string | CarriedTable)[], signal: AbortSignal): Promise<void>;
  /** Of a table that is only named, no column is looked at. */
  feedMembership(tables: readonly (string | CarriedTable)[], signal: AbortSignal): Promise<string>;
};

export function withNamedTables<S extends PostgresSource>(source: S): NamedTables<S> {
  const [ensure, membership] = [source.ensureTables.bind(source), source.feedMembership.bind(source)];
  const named = (columns: CarriedTable['columns']) => (table: string | CarriedTable) =>
    typeof table === 'string' ? { name: table, columns } : table;
  return Object.assign(source, {
    ensureTables: (tables: readonly (string | CarriedTable)[], signal: AbortSignal) =>
      ensure(tables.map(named('every')), signal),
    feedMembership: (tables: readonly (string | CarriedTable)[], signal: AbortSignal) =>
      membership(tables.map(named([])), signal),
  });
}

/** @param url A database of the test's own; default one in the shared server. */
export async function createTestBed(label: string, url?: string): Promise<TestBed> {
  const database = url === undefined ? await createTestDatabase(label) : null;
  const databaseUrl = url ?? database?.url ?? '';
  const migrations = knex({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: 1 } });
  await migrateBanyan(migrations);
  await migrations.destroy();
  const slot = database?.name ?? label;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 8 });
  pool.on('error', () => undefined); // tests stop the server under it
  const source = withNamedTables(createPostgresSource({ url: databaseUrl, slot, publication: slot }));
  const sql = async (text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> =>
    (await pool.query<Record<string, unknown>>(text, [...values])).rows;
  return {
    url: databaseUrl,
    slot,
    publication: slot,
    source,
    sql,
    readerEnv: (busFile) => ({
      SOURCE_URL: databaseUrl,
      BUS_FILE: busFile,
      TOPIC_PREFIX: PREFIX,
      SLOT_NAME: slot,
      PUBLICATION_NAME: slot,
      LOG_LEVEL: 'warn',
    }),
    async dropFeed() {
      const drop =
        'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1';
      await eventually('the slot is dropped', () =>
        sql(drop, [slot]).then(
          () => true,
          () => false,
        ),
      );
      await sql(`DROP PUBLICATION IF EXISTS ${slot}`);
    },
    reader: (log) => ({
      sourceUrl: databaseUrl,
      log,
      prefix: PREFIX,
      slot,
      publication: slot,
      heartbeatIntervalMs: 200,
      logger: silentLogger,
    }),
    async close() {
      await source.close();
      await pool.end();
      await database?.drop();
    },
  };
}

/** Asks again until `check` gives something. @throws Error after `timeoutMs`, default 60,000. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const result = await check();
    if (result !== null && result !== undefined && result !== false) return result;
    if (Date.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${what}`);
    await sleep(15);
  }
}

/** All records of a topic as of now. */
export async function readTopic(bus: Bus, topic: string): Promise<readonly StoredRecord[]> {
  const [end] = await bus.ends([topic]);
  const found: StoredRecord[] = [];
  if (!end || end.nextOffset === 0) return found;
  const done = new AbortController();
  await bus.consume({
    from: [{ topic, partition: 0, nextOffset: 0 }],
    onBatch: (records) => {
      found.push(...records);
      if (found.length >= end.nextOffset) done.abort();
      return Promise.resolve();
    },
    signal: done.signal,
  });
  return found.slice(0, end.nextOffset);
}

/** A record's envelope; null for a tombstone. */
export function envelopeOf(record: Pick<StoredRecord, 'value'>): Envelope | null {
  return record.value === null ? null : (parseExactJson(record.value) as Envelope);
}

/** Waits until a position taken now is confirmed: everything written before is on the bus. */
export async function caughtUp(bed: TestBed): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  const position = await bed.source.takePosition(signal);
  await eventually(`the slot confirms ${position}`, async () => {
    const rows = await bed.sql(
      'SELECT confirmed_flush_lsn >= $2::pg_lsn AS done FROM pg_replication_slots WHERE slot_name = $1',
      [bed.slot, position],
    );
    return rows[0]?.['done'] === true;
  });
}

/** What a copy that applied every record of a table's topic holds: bus key to row. */
export async function replay(bus: Bus, table: string): Promise<Map<string, unknown>> {
  const copy = new Map<string, unknown>();
  for (const record of await readTopic(bus, tableTopic(PREFIX, table))) {
    const envelope = envelopeOf(record);
    if (envelope?.op === 't') copy.clear();
    else if (record.key === null) throw new Error('A record without a key.');
    else if (!envelope || envelope.op === 'd') copy.delete(record.key);
    else copy.set(record.key, envelope.after);
  }
  return copy;
}

/** Whatever its key: a verification could not walk all of them. */
async function readWholeTable(
  bed: TestBed,
  name: string,
  signal: AbortSignal,
): Promise<{ key: readonly string[]; rows: readonly Row[] }> {
  const database = new SourceDatabase({ url: bed.url, name: 'test' });
  try {
    return await database.onConnection(async (ask) => {
      const table = await readTable(name, new TypeCatalog(), ask);
      if (!table) throw new Error(`no table ${name}`);
      const columns = table.columns.map((column) => column.name);
      const all = { table, columns, key: table.key, afterKey: null, toKey: null, limit: 100_000 };
      const texts = await readKeyRange(all, ask);
      return { key: table.key, rows: texts.map((row) => decodeRow(table.columns, row)) };
    }, signal);
  } finally {
    await database.close();
  }
}

/** Expects that a copy which applied a table's topic holds exactly what the table does now. */
export async function expectCopy(bed: TestBed, bus: Bus, table: string): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  await caughtUp(bed);
  const { key, rows } = await readWholeTable(bed, table, signal);
  const byKey = (one: readonly [string, unknown], other: readonly [string, unknown]): number =>
    one[0] < other[0] ? -1 : 1;
  const expected = rows.map((row) => {
    const text = stringifyExactJson(Object.fromEntries(key.map((name) => [name, row[name] ?? null])));
    return [text, row] as const;
  });
  expect([...(await replay(bus, table))].sort(byKey)).toEqual(expected.sort(byKey));
}

/** A bus whose `appendAt` goes another way when `intercept` returns something. */
export function withAppendAt(
  bus: SourceLog,
  intercept: (...args: Parameters<SourceLog['appendAt']>) => Promise<void> | null,
): SourceLog {
  return new Proxy(bus, {
    get(target, name) {
      if (name === 'appendAt') {
        return (...args: Parameters<SourceLog['appendAt']>) => intercept(...args) ?? target.appendAt(...args);
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
