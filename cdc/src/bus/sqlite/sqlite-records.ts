import type { Database, Statement } from 'sqlite3';
import type { Knex } from 'knex';
import type { RunSql } from '@banyan/kit/sqlite';
import type { BusRecord, StoredRecord, TopicPosition } from '../bus.ts';
import { OffsetGoneError } from '../bus-errors.ts';

/** Rows of one INSERT: a batch is cut into these and a rest, and each size is prepared once. */
const STATEMENT_ROWS = [128, 32] as const;

interface RecordRow {
  readonly topic: string;
  readonly topic_offset: number;
  readonly key: string | null;
  readonly headers: string;
  readonly value: string | null;
  readonly stored_at_ms: number;
}

interface Place {
  readonly id: number;
  offset: number;
  bytesBefore: number;
}

/** What one read may give; `bytes` of values, null for any. */
export interface ReadLimit {
  readonly records: number;
  readonly bytes: number | null;
}

/** Appends records by prepared statements with bound values: half as much again as by way of JSON. */
export class RecordWriter {
  #connection: Database | null = null;
  readonly #statements = new Map<number, Statement>();

  /** Call it inside a transaction that holds the write lock. @param connection The transaction's own. */
  async insert(run: RunSql, connection: unknown, records: readonly BusRecord[]): Promise<void> {
    const sized = records.map((record) => sizedRecord(record));
    const places = await reserve(run, sized);
    const nowMs = Date.now();
    const rows = sized.map(({ topic, key, headers, value, bytes }) => {
      const place = places.get(topic);
      if (!place) throw new Error(`No offsets were reserved for topic "${topic}".`);
      const row = [place.id, place.offset, nowMs, place.bytesBefore, key, headers, value];
      place.offset += 1;
      place.bytesBefore += bytes;
      return row;
    });
    for (let from = 0; from < rows.length;) {
      const left = rows.length - from;
      const count = STATEMENT_ROWS.find((size) => size <= left) ?? left;
      const statement = await this.#prepared(connection as Database, count);
      const bindings = rows.slice(from, from + count).flat();
      await done((callback) => statement.run(bindings, callback));
      from += count;
    }
  }

  /** Lets go of the statements, so that the connection can be closed. */
  async close(): Promise<void> {
    const statements = [...this.#statements.values()];
    this.#statements.clear();
    for (const statement of statements) {
      await new Promise<void>((resolve) => statement.finalize(() => resolve()));
    }
  }

  async #prepared(connection: Database, rows: number): Promise<Statement> {
    if (this.#connection !== connection) {
      await this.close();
      this.#connection = connection;
    }
    const known = this.#statements.get(rows);
    if (known) return known;
    const values = Array.from({ length: rows }, () => '(?, ?, ?, ?, ?, ?, ?)').join(', ');
    const statement = await new Promise<Statement>((resolve, reject) => {
      const made: Statement = connection.prepare(
        `INSERT INTO record (topic_id, topic_offset, stored_at_ms, bytes_before, key, headers, value) VALUES ${values}`,
        (error: Error | null) => (error ? reject(error) : resolve(made)),
      );
    });
    this.#statements.set(rows, statement);
    return statement;
  }
}

interface SizedRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: string;
  readonly value: string | null;
  readonly bytes: number;
}

function sizedRecord({ topic, key, headers, value }: BusRecord): SizedRecord {
  const headersText = JSON.stringify(headers);
  const bytes =
    Buffer.byteLength(headersText) + Buffer.byteLength(key ?? '') + Buffer.byteLength(value ?? '');
  return { topic, key, headers: headersText, value, bytes };
}

/** Reserves the offsets; the caller holds the write lock, so nobody else can have them. */
async function reserve(run: RunSql, records: readonly SizedRecord[]): Promise<Map<string, Place>> {
  const wanted = new Map<string, { records: number; bytes: number }>();
  for (const { topic, bytes } of records) {
    const sum = wanted.get(topic);
    if (!sum) wanted.set(topic, { records: 1, bytes });
    else {
      sum.records += 1;
      sum.bytes += bytes;
    }
  }
  const topics = await run<{ id: number; name: string; next_offset: number; bytes_appended: number }>(
    `INSERT INTO topic (name, next_offset, records, bytes_appended)
     SELECT value ->> 0, value ->> 1, value ->> 1, value ->> 2 FROM json_each(?) WHERE true
     ON CONFLICT (name) DO UPDATE SET
       next_offset = next_offset + excluded.next_offset,
       records = records + excluded.records,
       bytes_appended = bytes_appended + excluded.bytes_appended
     RETURNING id, name, next_offset, bytes_appended`,
    [JSON.stringify(Array.from(wanted, ([name, sum]) => [name, sum.records, sum.bytes]))],
  );
  return new Map(
    topics.map(({ id, name, next_offset, bytes_appended }) => {
      const sum = wanted.get(name) ?? { records: 0, bytes: 0 };
      return [name, { id, offset: next_offset - sum.records, bytesBefore: bytes_appended - sum.bytes }];
    }),
  );
}

/**
 * Records from positions on, in the order of appending, within `limit`; a record beyond its bytes comes alone.
 * @throws OffsetGoneError
 */
export async function readRecords(
  knex: Knex,
  positions: ReadonlyMap<string, number>,
  limit: ReadLimit,
): Promise<StoredRecord[]> {
  if (positions.size === 0) return [];
  const one = `SELECT id FROM (
    SELECT id FROM record WHERE topic_id = (SELECT id FROM topic WHERE name = ?) AND topic_offset >= ?
    ORDER BY topic_offset LIMIT ?)`;
  // 1. the records, 2. where topics begin: what is deleted in between shows in 2.
  const rows = await knex.raw<RecordRow[]>(
    // The sizes first: SQLite knows them without reading the values.
    `WITH sized AS (
       SELECT id, coalesce(octet_length(value), 0) AS bytes FROM record
       WHERE id IN (${Array.from(positions, () => one).join(' UNION ALL ')})
       ORDER BY id LIMIT ?
     ), summed AS (
       SELECT id, bytes, sum(bytes) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS total FROM sized
     )
     SELECT topic.name AS topic, topic_offset, key, headers, value, stored_at_ms
     FROM record JOIN topic ON topic.id = topic_id
     WHERE record.id IN (SELECT id FROM summed WHERE total <= ? OR total = bytes)
     ORDER BY record.id`,
    [
      ...Array.from(positions, ([topic, nextOffset]) => [topic, nextOffset, limit.records]).flat(),
      ...[limit.records, limit.bytes ?? Number.MAX_SAFE_INTEGER],
    ],
  );
  await refuseGone(knex, positions);
  return rows.map(toStoredRecord);
}

/** Where topics begin; 0 for one that does not exist. */
export async function readStarts(knex: Knex, topics: readonly string[]): Promise<readonly TopicPosition[]> {
  const rows = await knex.raw<{ name: string; first_offset: number }[]>(
    'SELECT name, first_offset FROM topic WHERE name IN (SELECT value FROM json_each(?))',
    [JSON.stringify(topics)],
  );
  const starts = new Map(rows.map((row) => [row.name, row.first_offset]));
  return topics.map((topic) => ({ topic, partition: 0, nextOffset: starts.get(topic) ?? 0 }));
}

async function refuseGone(knex: Knex, positions: ReadonlyMap<string, number>): Promise<void> {
  const starts = await readStarts(knex, [...positions.keys()]);
  const gone = starts.filter(({ topic, nextOffset }) => nextOffset > (positions.get(topic) ?? 0));
  if (gone.length === 0) return;
  const wanted = gone.map(({ topic }) => ({ topic, partition: 0, nextOffset: positions.get(topic) ?? 0 }));
  throw new OffsetGoneError(wanted, gone);
}

function toStoredRecord(row: RecordRow): StoredRecord {
  return {
    topic: row.topic,
    partition: 0,
    offset: row.topic_offset,
    key: row.key,
    headers: JSON.parse(row.headers) as Readonly<Record<string, string>>,
    value: row.value,
    storedAtMs: row.stored_at_ms,
  };
}

function done(start: (callback: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}
