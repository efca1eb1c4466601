import { randomUUID } from 'node:crypto';
import { controlRecordKey, NOTHING_UNAVAILABLE, tableTopic } from '@banyan/contracts';
import type { Bus, BusRecord } from '../bus/bus.ts';
import { RowsUnreadableError } from '../capture/postgres/rows-unreadable-error.ts';
import { keyAsSourceText } from './mapping-check/key-text.ts';
import { NotCaughtUpError } from './not-caught-up-error.ts';
import { markOf, waitUntilStored, type KnownFeed } from './stored-on-bus.ts';
import type { PostgresSource } from '../capture/feed/postgres-source.ts';

/** Keys read at once. */
const MAX_KEYS = 500;
/** Characters of keys and values appended at once; a record that is larger goes alone. A broker takes a megabyte. */
const MAX_APPEND_CHARS = 500_000;

/** Reads rows again at the source, beside the stream and whoever reads that, and puts them on the table's topic. */
export interface RowReread {
  /**
   * Resolves once each row, or its absence, is on the topic. A service applies it there unless something else of its key
   * came while it was read; so whoever asked looks afterwards, and asks again.
   *
   * @param table `schema.table`
   * @param keys Of each key the values as PostgreSQL's text, in key order.
   * @param signal Ends it; there is no other limit. Whatever was on its way then is on the topic or is not.
   * @throws RowsUnreadableError when table or keys are wrong, or the table is busy for too long; NotCaughtUpError when the
   * feed stands still until the signal, or began anew; the errors of source and bus.
   */
  readAgain(table: string, keys: readonly (readonly string[])[], signal: AbortSignal): Promise<void>;
  /**
   * The same by keys as a service names them, canonical text.
   *
   * @returns why the rows cannot be read, for people; null once each row, or its absence, is on the topic.
   * @throws the errors of source and bus.
   */
  readHeld(table: string, keys: readonly (readonly string[])[], signal: AbortSignal): Promise<string | null>;
}

/** The same for every source and every bus: nothing is asked of whoever reads the WAL but how far it is. */
export function createRowReread(options: {
  readonly source: Pick<
    PostgresSource,
    'readRows' | 'takePosition' | 'slotStatus' | 'feedMembership' | 'describeTables'
  >;
  readonly bus: Pick<Bus, 'append'>;
  /** Topic prefix of the source, e.g. `shop`. */
  readonly prefix: string;
  /** Who knows where the feed stands, and under which name. Without it one feed is not told from another. */
  readonly feed?: KnownFeed;
}): RowReread {
  const { source, bus, prefix, feed } = options;

  async function readPiece(
    table: string,
    keys: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<void> {
    const id = randomUUID();
    const question = { prefix, table, keys };
    const record = (key: string, value: string | null): BusRecord => ({
      topic: tableTopic(prefix, table),
      key: controlRecordKey('reread'),
      value,
      partitionKey: key,
      // A row that was read has all its values, whatever they look like.
      headers: { id, key, ...(value === null ? {} : NOTHING_UNAVAILABLE) },
    });
    const expected = feed
      ? await markOf({ source, feed, tables: [{ name: table, columns: [] }], signal })
      : null;
    // 0. How the stream tells these keys. What is wrong with them is found before anything is on the bus.
    const named = new Set((await source.readRows(question, signal)).map(({ key }) => key));
    // 1. Whatever is committed from now on comes behind this.
    await append(
      Array.from(named, (key) => record(key, null)),
      signal,
    );
    // 2. Sees whatever is before it.
    const found = new Map((await source.readRows(question, signal)).map((row) => [row.key, row]));
    // 3. Whatever it saw is on the topic.
    const position = await source.takePosition(signal);
    await waitUntilStored({ source, feed, expected, position, signal });
    // 4. A row that has got another spelling of its key since 0 has no window; whoever asked will ask again.
    await append(
      [...found.values()]
        .filter(({ key }) => named.has(key))
        .map(({ key, envelope }) => record(key, envelope)),
      signal,
    );
  }

  /** In parts, each of which a bus takes at once. */
  async function append(records: readonly BusRecord[], signal: AbortSignal): Promise<void> {
    let part: BusRecord[] = [];
    let chars = 0;
    for (const record of records) {
      const size = (record.partitionKey?.length ?? 0) + (record.value?.length ?? 0);
      if (part.length > 0 && chars + size > MAX_APPEND_CHARS) {
        await bus.append(part, signal);
        part = [];
        chars = 0;
      }
      part.push(record);
      chars += size;
    }
    if (part.length > 0) await bus.append(part, signal);
  }

  async function readAgain(
    table: string,
    keys: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<void> {
    for (let from = 0; from < keys.length; from += MAX_KEYS) {
      await readPiece(table, keys.slice(from, from + MAX_KEYS), signal);
    }
  }

  return {
    readAgain,
    async readHeld(table, keys, signal) {
      const [described] = await source.describeTables([table], signal);
      try {
        await readAgain(
          table,
          keys.map((key) => (described ? keyAsSourceText(described, key) : key)),
          signal,
        );
        return null;
      } catch (error) {
        if (error instanceof RowsUnreadableError || error instanceof NotCaughtUpError) return error.message;
        throw error;
      }
    },
  };
}
