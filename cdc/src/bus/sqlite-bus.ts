import type { Knex } from 'knex';
import { setTimeout as delay } from 'node:timers/promises';
import { migrationSource } from '../../../migrations/bus/index.ts';
import { migrateSqlite, openSqliteFile } from '../sqlite/open-file.ts';
import { immediateTransaction, type RunSql } from '../sqlite/transaction.ts';
import {
  BusClosedError,
  DEFAULT_BATCH_BYTES,
  SourceFencedError,
  type BusRecord,
  type ConsumeOptions,
  type SourceLog,
  type SourcePosition,
  type StoredRecord,
  type TopicPosition,
} from './bus.ts';

/** How often a consumer with nothing to do looks whether another process has written. */
const POLL_INTERVAL_MS = 10;

interface RecordRow {
  readonly topic: string;
  readonly topic_offset: number;
  readonly key: string | null;
  readonly headers: string;
  readonly value: string | null;
  readonly stored_at_ms: number;
}

interface SourcePositionRow {
  readonly source: string;
  readonly epoch: number;
  readonly lsn: string;
  readonly system_id: string;
  readonly timeline: number;
  readonly heard_at_ms: number;
}

/**
 * Opens the embedded bus: one SQLite file that any number of processes on this machine append to and read.
 * Creates file and schema when missing. Each topic has the one partition 0; a consumer of several topics gets
 * records in the order in which they were appended.
 *
 * @param options.file Path of the file. Its folder must exist.
 * @throws the driver's error when the file cannot be opened, or is locked for more than 10 s.
 * @example
 * const bus = await openSqliteBus({ file: '.banyan/bus.sqlite' });
 */
export async function openSqliteBus(options: {
  readonly file: string;
  readonly signal?: AbortSignal;
}): Promise<SourceLog> {
  const { file, signal } = options;
  const writer = await openSqliteFile({ file, signal });
  try {
    await migrateSqlite(writer, migrationSource);
    // A connection of its own: knex serves one statement at a time on each, and reads must not wait behind writes.
    const reader = await openSqliteFile({ file, mode: 'read', signal });
    return new SqliteBus(writer, reader);
  } catch (cause) {
    await writer.destroy();
    throw cause;
  }
}

class SqliteBus implements SourceLog {
  readonly #writer: Knex;
  readonly #reader: Knex;
  readonly #closing = new AbortController();
  readonly #consumers = new Set<Promise<void>>();
  #closed: Promise<void> | undefined;

  constructor(writer: Knex, reader: Knex) {
    this.#writer = writer;
    this.#reader = reader;
  }

  async append(records: readonly BusRecord[], signal?: AbortSignal): Promise<void> {
    this.#check(signal);
    if (records.length === 0) return;
    await immediateTransaction(this.#writer, (run) => insertRecords(run, records), signal);
  }

  async appendAt(
    records: readonly BusRecord[],
    move: { source: string; epoch: number; expectedLsn: bigint; lsn: bigint },
    signal?: AbortSignal,
  ): Promise<void> {
    this.#check(signal);
    await immediateTransaction(
      this.#writer,
      async (run) => {
        const moved = await run(
          `UPDATE source_position SET lsn = ?, heard_at_ms = ?
         WHERE source = ? AND epoch = ? AND lsn = ? RETURNING source`,
          [move.lsn.toString(), Date.now(), move.source, move.epoch, move.expectedLsn.toString()],
        );
        if (moved.length === 0) {
          throw new SourceFencedError(
            `Source "${move.source}" is no longer at epoch ${move.epoch} and LSN ${move.expectedLsn}: ` +
              'another reader has taken over. Stop this one.',
          );
        }
        if (records.length > 0) await insertRecords(run, records);
      },
      signal,
    );
  }

  async takeOver(
    source: string,
    server: { systemId: string; timeline: number; lsn: bigint },
  ): Promise<SourcePosition> {
    this.#check();
    return await immediateTransaction(this.#writer, async (run) => {
      // An LSN means something on one server and timeline only: on another, go on from where that one stands.
      const rows = await run<SourcePositionRow>(
        `INSERT INTO source_position (source, epoch, lsn, system_id, timeline, heard_at_ms)
         VALUES (?, 1, ?, ?, ?, ?)
         ON CONFLICT (source) DO UPDATE SET
           epoch = epoch + 1,
           lsn = iif(system_id = excluded.system_id AND timeline = excluded.timeline, lsn, excluded.lsn),
           system_id = excluded.system_id,
           timeline = excluded.timeline,
           heard_at_ms = excluded.heard_at_ms
         RETURNING *`,
        [source, server.lsn.toString(), server.systemId, server.timeline, Date.now()],
      );
      const row = rows[0];
      if (!row) throw new Error(`Taking over source "${source}" returned no row.`);
      return toSourcePosition(row);
    });
  }

  async sourcePosition(source: string): Promise<SourcePosition | null> {
    this.#check();
    const rows = await this.#reader.raw<SourcePositionRow[]>(
      'SELECT * FROM source_position WHERE source = ?',
      [source],
    );
    return rows[0] ? toSourcePosition(rows[0]) : null;
  }

  async consume(options: ConsumeOptions): Promise<void> {
    this.#check();
    const running = this.#consume(options);
    const settled = running.then(
      () => undefined,
      () => undefined, // for close(), which only waits; the caller gets the error
    );
    this.#consumers.add(settled);
    try {
      await running;
    } finally {
      this.#consumers.delete(settled);
    }
  }

  partitions(): Promise<readonly number[]> {
    return Promise.resolve([0]);
  }

  async ends(topics: readonly string[]): Promise<readonly TopicPosition[]> {
    this.#check();
    const rows = await this.#reader.raw<{ name: string; next_offset: number }[]>(
      'SELECT name, next_offset FROM topic WHERE name IN (SELECT value FROM json_each(?))',
      [JSON.stringify(topics)],
    );
    const ends = new Map(rows.map((row) => [row.name, row.next_offset]));
    return topics.map((topic) => ({ topic, partition: 0, nextOffset: ends.get(topic) ?? 0 }));
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#closing.abort();
      await Promise.all(this.#consumers);
      await this.#reader.destroy();
      await this.#writer.destroy(); // last, so that it can fold the WAL into the file
    })();
    return this.#closed;
  }

  async #consume(options: ConsumeOptions): Promise<void> {
    const { from, maxBatchRecords = 500, maxBatchBytes = DEFAULT_BATCH_BYTES, signal } = options;
    const positions = new Map(from.map(({ topic, nextOffset }) => [topic, nextOffset]));
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    while (!stop.aborted) {
      // 1. the version, 2. the read: what is written between the two is found at the next turn.
      const version = await this.#dataVersion();
      const records = await this.#read(positions, maxBatchRecords, maxBatchBytes);
      if (records.length === 0) {
        await this.#waitForChange(version, stop);
        continue;
      }
      if (isAborted(stop)) break;
      await options.onBatch(records);
      for (const { topic, offset } of records) positions.set(topic, offset + 1);
    }
    if (!isAborted(signal)) throw new BusClosedError('The bus was closed while it was being consumed.');
  }

  async #read(
    positions: ReadonlyMap<string, number>,
    limit: number,
    maxBytes: number,
  ): Promise<StoredRecord[]> {
    if (positions.size === 0) return [];
    const one = `SELECT id FROM (
      SELECT id FROM record WHERE topic_id = (SELECT id FROM topic WHERE name = ?) AND topic_offset >= ?
      ORDER BY topic_offset LIMIT ?)`;
    const rows = await this.#reader.raw<RecordRow[]>(
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
        ...Array.from(positions, ([topic, nextOffset]) => [topic, nextOffset, limit]).flat(),
        ...[limit, maxBytes],
      ],
    );
    return rows.map(toStoredRecord);
  }

  /** Changes whenever another connection, of this process or another, has committed. */
  async #dataVersion(): Promise<number | undefined> {
    const rows = await this.#reader.raw<{ data_version: number }[]>('PRAGMA data_version');
    return rows[0]?.data_version;
  }

  async #waitForChange(version: number | undefined, stop: AbortSignal): Promise<void> {
    do {
      await delay(POLL_INTERVAL_MS, undefined, { signal: stop }).catch(() => {
        // aborted: the loops above and below see it
      });
    } while (!stop.aborted && (await this.#dataVersion()) === version);
  }

  #check(signal?: AbortSignal): void {
    signal?.throwIfAborted();
    if (this.#closed) throw new BusClosedError('The bus is closed.');
  }
}

/** A call, so that the compiler does not take an earlier look for the present state. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function insertRecords(run: RunSql, records: readonly BusRecord[]): Promise<void> {
  const counts = new Map<string, number>();
  for (const { topic } of records) counts.set(topic, (counts.get(topic) ?? 0) + 1);
  // Reserves the offsets; we hold the write lock, so nobody else can have them.
  const topics = await run<{ id: number; name: string; next_offset: number }>(
    `INSERT INTO topic (name, next_offset) SELECT key, value FROM json_each(?) WHERE true
     ON CONFLICT (name) DO UPDATE SET next_offset = next_offset + excluded.next_offset
     RETURNING id, name, next_offset`,
    [JSON.stringify(Object.fromEntries(counts))],
  );
  const next = new Map(
    topics.map(({ id, name, next_offset }) => [name, { id, offset: next_offset - (counts.get(name) ?? 0) }]),
  );
  const rows = records.map(({ topic, key, headers, value }) => {
    const place = next.get(topic);
    if (!place) throw new Error(`No offsets were reserved for topic "${topic}".`);
    return [place.id, place.offset++, key, JSON.stringify(headers), value];
  });
  await run(
    `INSERT INTO record (topic_id, topic_offset, key, headers, value, stored_at_ms)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, ? FROM json_each(?) ORDER BY key`,
    [Date.now(), JSON.stringify(rows)],
  );
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

function toSourcePosition(row: SourcePositionRow): SourcePosition {
  return {
    source: row.source,
    epoch: row.epoch,
    lsn: BigInt(row.lsn),
    systemId: row.system_id,
    timeline: row.timeline,
    heardAtMs: row.heard_at_ms,
  };
}
