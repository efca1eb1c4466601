import type { Knex } from 'knex';
import { setTimeout as delay } from 'node:timers/promises';
import { migrationSource } from '../../../migrations/bus/index.ts';
import { migrateSqlite, openSqliteFile } from '../sqlite/open-file.ts';
import { immediateTransaction, type RunSql } from '../sqlite/transaction.ts';
import {
  BusClosedError,
  SourceFencedError,
  type BusRecord,
  type ConsumeOptions,
  type SourceLog,
  type SourceMove,
  type SourcePosition,
  type SourceStart,
  type StoredRecord,
  type TopicPosition,
} from './bus.ts';
import {
  SOURCE_POSITION_COLUMNS,
  toSourcePosition,
  toValues,
  type SourcePositionRow,
} from './source-position-row.ts';
import { openText, storedLsn, takenOver, witnessText } from './source-position.ts';
import { formatLsn } from '../source/lsn.ts';

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

  async appendAt(records: readonly BusRecord[], move: SourceMove, signal?: AbortSignal): Promise<void> {
    this.#check(signal);
    const { source, epoch, expectedLsn, expectedOpen = null, lsn, open = null, witness } = move;
    await immediateTransaction(
      this.#writer,
      async (run) => {
        const moved = await run(
          `UPDATE source_position SET lsn = ?, open_transaction = ?, witness = iif(?, ?, witness), heard_at_ms = ?
           WHERE source = ? AND epoch = ? AND lsn = ? AND open_transaction IS ? RETURNING source`,
          [
            ...[storedLsn(lsn), openText(open)],
            ...[witness === undefined ? 0 : 1, witnessText(witness ?? null), Date.now()],
            ...[source, epoch, storedLsn(expectedLsn), openText(expectedOpen)],
          ],
        );
        if (moved.length === 0) {
          throw new SourceFencedError(
            `Source "${source}" is no longer at epoch ${epoch} and LSN ${formatLsn(expectedLsn)}: ` +
              'another reader has taken over. Stop this one.',
          );
        }
        if (records.length > 0) await insertRecords(run, records);
      },
      signal,
    );
  }

  async takeOver(source: string, start: SourceStart): Promise<SourcePosition> {
    this.#check();
    return await immediateTransaction(this.#writer, async (run) => {
      const rows = await run<SourcePositionRow>('SELECT * FROM source_position WHERE source = ?', [source]);
      const before = rows[0] ? toSourcePosition(rows[0]) : null;
      if (start.anew?.step === 'begin' && before?.epoch !== start.anew.epoch) {
        throw new SourceFencedError(`Another reader has taken over the source "${source}". Stop this one.`);
      }
      const position = takenOver(source, { before, start, nowMs: Date.now() });
      await run(
        `INSERT OR REPLACE INTO source_position (${SOURCE_POSITION_COLUMNS.join(', ')})
         VALUES (${SOURCE_POSITION_COLUMNS.map(() => '?').join(', ')})`,
        toValues(position),
      );
      return position;
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
    const { from, maxBatchRecords = 500, signal } = options;
    const positions = new Map(from.map(({ topic, nextOffset }) => [topic, nextOffset]));
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    while (!stop.aborted) {
      // 1. the version, 2. the read: what is written between the two is found at the next turn.
      const version = await this.#dataVersion();
      const records = await this.#read(positions, maxBatchRecords);
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

  async #read(positions: ReadonlyMap<string, number>, limit: number): Promise<StoredRecord[]> {
    if (positions.size === 0) return [];
    const one = `SELECT id FROM (
      SELECT id FROM record WHERE topic_id = (SELECT id FROM topic WHERE name = ?) AND topic_offset >= ?
      ORDER BY topic_offset LIMIT ?)`;
    const rows = await this.#reader.raw<RecordRow[]>(
      `SELECT topic.name AS topic, topic_offset, key, headers, value, stored_at_ms
       FROM record JOIN topic ON topic.id = topic_id
       WHERE record.id IN (${Array.from(positions, () => one).join(' UNION ALL ')})
       ORDER BY record.id LIMIT ?`,
      [...Array.from(positions, ([topic, nextOffset]) => [topic, nextOffset, limit]).flat(), limit],
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
