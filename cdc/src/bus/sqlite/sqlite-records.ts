import type { Database, Statement } from 'sqlite3';
import type { Knex } from 'knex';
import type { RunSql } from '@banyan/kit/sqlite';
import type { SourceRecord, StoredRecord, TopicPosition } from '../bus.ts';
import { OffsetGoneError } from '../bus-errors.ts';
import type { LongText } from '../../rows/long-text.ts';
import { insertPieces, isShort, readPieces } from './sqlite-long-values.ts';

/** Rows of one INSERT: a batch is cut into these and a rest, and each size is prepared once. */
const STATEMENT_ROWS = [128, 32] as const;

interface RecordRow {
  readonly topic_id: number;
  readonly topic: string;
  readonly topic_offset: number;
  readonly key: string | null;
  readonly headers: string;
  readonly value: string | null;
  /** 0 for a value that is not stored in pieces. */
  readonly pieces: number;
  /** Of the value, in pieces or not. */
  readonly bytes: number;
  readonly stored_at_ms: number;
}

/** What a record's row holds beside its value. */
type RowStart = readonly [
  ...place: readonly [topicId: number, offset: number, nowMs: number, bytesBefore: number],
  ...head: readonly [key: string | null, headers: string],
];
type Row = readonly [...start: RowStart, value: string | null];
/** In the order of `RowStart`. */
const COLUMNS = 'topic_id, topic_offset, stored_at_ms, bytes_before, key, headers';

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
  async insert(run: RunSql, connection: unknown, records: readonly SourceRecord[]): Promise<void> {
    const sized = records.map((record) => sizedRecord(record));
    const places = await reserve(run, sized);
    const nowMs = Date.now();
    let short: Row[] = [];
    for (const { topic, key, headers, value, bytes } of sized) {
      const place = places.get(topic);
      if (!place) throw new Error(`No offsets were reserved for topic "${topic}".`);
      const start: RowStart = [place.id, place.offset, nowMs, place.bytesBefore, key, headers];
      place.offset += 1;
      place.bytesBefore += bytes;
      if (isShort(value)) {
        short.push([...start, value]);
        continue;
      }
      await this.#insertShort(connection as Database, short);
      short = [];
      place.bytesBefore += await insertLong(run, start, value);
    }
    await this.#insertShort(connection as Database, short);
  }

  async #insertShort(connection: Database, rows: readonly Row[]): Promise<void> {
    for (let from = 0; from < rows.length;) {
      const left = rows.length - from;
      const count = STATEMENT_ROWS.find((size) => size <= left) ?? left;
      const statement = await this.#prepared(connection, count);
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
        `INSERT INTO record (${COLUMNS}, value) VALUES ${values}`,
        (error: Error | null) => (error ? reject(error) : resolve(made)),
      );
    });
    this.#statements.set(rows, statement);
    return statement;
  }
}

/** Adds the bytes of its value to the topic's, which hold the rest already. @returns them. */
async function insertLong(run: RunSql, start: RowStart, value: string | LongText): Promise<number> {
  const [topicId, offset] = start;
  const { pieces, bytes } = await insertPieces(run, { topicId, offset }, value);
  await run(`INSERT INTO record (${COLUMNS}, pieces) VALUES (?, ?, ?, ?, ?, ?, ?)`, [...start, pieces]);
  await run('UPDATE topic SET bytes_appended = bytes_appended + ? WHERE id = ?', [bytes, topicId]);
  return bytes;
}

interface SizedRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: string;
  readonly value: SourceRecord['value'];
  /** Without those of a long value, which are counted as it is stored. */
  readonly bytes: number;
}

function sizedRecord({ topic, key, headers, value }: SourceRecord): SizedRecord {
  const headersText = JSON.stringify(headers);
  const valueBytes = isShort(value) ? Buffer.byteLength(value ?? '') : 0;
  const bytes = Buffer.byteLength(headersText) + Buffer.byteLength(key ?? '') + valueBytes;
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
  // 1. the records, 2. their long values, 3. where topics begin: what is deleted in between shows in 3.
  const rows = await knex.raw<RecordRow[]>(
    // The sizes first: SQLite knows them without reading the values.
    `WITH sized AS (
       SELECT id, CASE
         WHEN value IS NOT NULL THEN octet_length(value)
         WHEN pieces = 0 THEN 0
         ELSE (SELECT sum(octet_length(bytes)) FROM record_piece
           WHERE record_piece.topic_id = record.topic_id AND record_piece.topic_offset = record.topic_offset)
       END AS bytes FROM record
       WHERE id IN (${Array.from(positions, () => one).join(' UNION ALL ')})
       ORDER BY id LIMIT ?
     ), summed AS (
       SELECT id, bytes, sum(bytes) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS total FROM sized
     )
     SELECT topic_id, topic.name AS topic, topic_offset, key, headers, value, pieces, bytes, stored_at_ms
     FROM summed JOIN record ON record.id = summed.id JOIN topic ON topic.id = topic_id
     WHERE total <= ? OR total = bytes
     ORDER BY record.id`,
    [
      ...Array.from(positions, ([topic, nextOffset]) => [topic, nextOffset, limit.records]).flat(),
      ...[limit.records, limit.bytes ?? Number.MAX_SAFE_INTEGER],
    ],
  );
  const records: StoredRecord[] = [];
  for (const row of rows) {
    const value = row.pieces === 0 ? row.value : await readLong(knex, row);
    if (value !== undefined) records.push(toStoredRecord(row, value));
  }
  await refuseGone(knex, positions);
  return records;
}

/** @returns undefined when the record was deleted since it was read. */
async function readLong(knex: Knex, row: RecordRow): Promise<string | undefined> {
  return await readPieces(knex, { topicId: row.topic_id, offset: row.topic_offset }, row);
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

function toStoredRecord(row: RecordRow, value: string | null): StoredRecord {
  return {
    topic: row.topic,
    partition: 0,
    offset: row.topic_offset,
    key: row.key,
    headers: JSON.parse(row.headers) as Readonly<Record<string, string>>,
    value,
    storedAtMs: row.stored_at_ms,
  };
}

function done(start: (callback: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}
