import type { Knex } from 'knex';
import { stat } from 'node:fs/promises';
import { migrationSource } from '../../../../migrations/bus/index.ts';
import { migrateSqlite, openSqliteFile, immediateTransaction } from '@banyan/kit/sqlite';
import {
  BusClosedError,
  type BusRecord,
  type BusUsage,
  type ConsumeOptions,
  type GroupStatus,
  type SourceMove,
  type SourcePosition,
  type SourceRecord,
  type SourceStart,
  type StoredRecord,
  type TopicPosition,
  type TopicStatus,
} from '../bus.ts';
import { BusCorruptError, BusFullError } from '../bus-errors.ts';
import type { DeleteStep, EmbeddedBus } from '../retention/kept-bus.ts';
import { deleteOneStep, deleteSingle, limitPages, readUsage, vacuumStep } from './sqlite-deletion.ts';
import { corruptText, onBusFile } from './sqlite-failure.ts';
import { commitGroup, readGroups, readTopics, releaseGroup } from './sqlite-groups.ts';
import { consumeRecords } from './sqlite-consume.ts';
import { readRecords, readStarts, RecordWriter } from './sqlite-records.ts';
import { moveSource, readSource, takeSourceOver } from './sqlite-source.ts';

/**
 * Opens the embedded bus: one SQLite file that any number of processes on this machine append to and read.
 * Creates file and schema when missing. Each topic has the one partition 0; a consumer of several topics gets
 * records in the order in which they were appended. What bounds the file is `startBusKeeper`.
 *
 * @param options.file Path of the file. Its folder must exist.
 * @param options.check True reads the whole file first (about a second for each GB) unless everybody closed it
 * properly the last time. Default false. A torn log (`-wal`) needs no check: what it holds beyond the tear never was.
 * @throws BusCorruptError; BusStoreError when the file cannot be opened, or is locked for more than 10 s.
 * @example
 * const bus = await openSqliteBus({ file: '.banyan/bus.sqlite' });
 */
export async function openSqliteBus(options: {
  readonly file: string;
  readonly check?: boolean;
  readonly signal?: AbortSignal;
}): Promise<EmbeddedBus> {
  const { file, signal } = options;
  // SQLite removes its log when the last one closes properly.
  const mayBeTorn = options.check === true && (await sizeOf(`${file}-wal`)) > 0;
  return await onBusFile(file, async () => {
    const writer = await openSqliteFile({ file, signal });
    try {
      if (mayBeTorn) await refuseDamaged(writer, file);
      await migrateSqlite(writer, migrationSource);
      // A connection of its own: knex serves one statement at a time on each, and reads must not wait behind writes.
      const reader = await openSqliteFile({ file, mode: 'read', signal });
      return new SqliteBus({ file, writer, reader });
    } catch (cause) {
      await writer.destroy();
      throw cause;
    }
  });
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    () => 0, // there is none
  );
}

async function refuseDamaged(knex: Knex, file: string): Promise<void> {
  const [finding] = await knex.raw<{ quick_check: string }[]>('PRAGMA quick_check(1)');
  if (finding?.quick_check === 'ok') return;
  throw new BusCorruptError(corruptText(file, finding?.quick_check ?? 'it cannot be checked'));
}

class SqliteBus implements EmbeddedBus {
  readonly #file: string;
  readonly #writer: Knex;
  readonly #reader: Knex;
  readonly #records = new RecordWriter();
  readonly #closing = new AbortController();
  readonly #consumers = new Set<Promise<void>>();
  #maxBytes: number | null = null;
  #refusals = 0;
  #damage: BusCorruptError | null = null;
  #closed: Promise<void> | undefined;

  constructor(parts: { readonly file: string; readonly writer: Knex; readonly reader: Knex }) {
    this.#file = parts.file;
    this.#writer = parts.writer;
    this.#reader = parts.reader;
  }

  get refusals(): number {
    return this.#refusals;
  }

  async id(): Promise<string> {
    const rows = await this.#do(() => this.#reader.raw<{ id: string }[]>('SELECT id FROM bus'));
    return rows[0]?.id ?? '';
  }

  async append(records: readonly BusRecord[], signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (records.length === 0) return;
    await this.#append(() =>
      immediateTransaction(
        this.#writer,
        (run, connection) => this.#records.insert(run, connection, records),
        signal,
      ),
    );
  }

  async appendAt(records: readonly SourceRecord[], move: SourceMove, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await this.#append(() =>
      immediateTransaction(
        this.#writer,
        async (run, connection) => {
          await moveSource(run, move);
          if (records.length > 0) await this.#records.insert(run, connection, records);
        },
        signal,
      ),
    );
  }

  takeOver(source: string, start: SourceStart): Promise<SourcePosition> {
    return this.#do(() => immediateTransaction(this.#writer, (run) => takeSourceOver(run, source, start)));
  }

  sourcePosition(source: string): Promise<SourcePosition | null> {
    return this.#do(() => readSource(this.#reader, source));
  }

  async consume(options: ConsumeOptions): Promise<void> {
    this.#check();
    const running = onBusFile(this.#file, () =>
      consumeRecords({ ...options, reader: this.#reader, closing: this.#closing.signal }),
    );
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
    const rows = await this.#do(() =>
      this.#reader.raw<{ name: string; next_offset: number }[]>(
        'SELECT name, next_offset FROM topic WHERE name IN (SELECT value FROM json_each(?))',
        [JSON.stringify(topics)],
      ),
    );
    const ends = new Map(rows.map((row) => [row.name, row.next_offset]));
    return topics.map((topic) => ({ topic, partition: 0, nextOffset: ends.get(topic) ?? 0 }));
  }

  starts(topics: readonly string[]): Promise<readonly TopicPosition[]> {
    return this.#do(() => readStarts(this.#reader, topics));
  }

  topics(): Promise<readonly TopicStatus[]> {
    return this.#do(() => readTopics(this.#reader));
  }

  read({ topic, nextOffset }: TopicPosition, limit: number): Promise<readonly StoredRecord[]> {
    return this.#do(() =>
      readRecords(this.#reader, new Map([[topic, nextOffset]]), { records: limit, bytes: null }),
    );
  }

  commit(group: string, positions: readonly TopicPosition[], signal?: AbortSignal): Promise<void> {
    return this.#do(() => commitGroup(this.#writer, { group, positions }, signal));
  }

  release(group: string, topics?: readonly string[]): Promise<void> {
    return this.#do(() => releaseGroup(this.#writer, group, topics));
  }

  groups(): Promise<readonly GroupStatus[]> {
    return this.#do(() => readGroups(this.#reader));
  }

  usage(): Promise<BusUsage> {
    return this.#do(() => readUsage(this.#reader));
  }

  deleteStep(step: DeleteStep): Promise<number> {
    return this.#do(() => deleteOneStep(this.#writer, step));
  }

  deleteRecords(topic: string, offsets: readonly number[]): Promise<number> {
    return this.#do(() => deleteSingle(this.#writer, topic, offsets));
  }

  async giveBack(maxBytes: number): Promise<number> {
    const left = await this.#do(() => vacuumStep(this.#writer, maxBytes));
    // SQLite raises a limit below the file's size to that size: it comes down as the file does.
    const limit = this.#maxBytes;
    if (limit !== null) await this.#do(() => limitPages(this.#writer, limit));
    return left;
  }

  async setLimits({ maxBytes, warnBytes }: { maxBytes: number; warnBytes: number }): Promise<void> {
    this.#maxBytes = maxBytes;
    await this.#do(() => limitPages(this.#writer, maxBytes));
    await this.#do(() =>
      immediateTransaction(this.#writer, (run) =>
        run('UPDATE bus SET max_bytes = ?, warn_bytes = ?', [maxBytes, warnBytes]),
      ),
    );
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#closing.abort();
      await Promise.all(this.#consumers);
      await this.#reader.destroy();
      await this.#records.close();
      await this.#writer.destroy(); // last, so that it can fold the WAL into the file
    })();
    return this.#closed;
  }

  async #append(action: () => Promise<void>): Promise<void> {
    try {
      await this.#do(action);
      this.#refusals = 0;
    } catch (cause) {
      if (cause instanceof BusFullError && cause.reason === 'limit') this.#refusals += 1;
      throw cause;
    }
  }

  async #do<T>(action: () => Promise<T>): Promise<T> {
    this.#check();
    try {
      return await onBusFile(this.#file, action);
    } catch (cause) {
      if (cause instanceof BusCorruptError) this.#damage = cause;
      throw cause;
    }
  }

  #check(): void {
    // What is written to a damaged file may be lost, or damage more.
    if (this.#damage) throw this.#damage;
    if (this.#closed) throw new BusClosedError('The bus is closed.');
  }
}
