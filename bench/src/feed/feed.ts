import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqliteBus, type SourceLog } from '@banyan/cdc/bus';
import { createPostgresSource, type PostgresSource } from '@banyan/cdc/capture';
import { startChild, type Child } from '../child.ts';
import { PREFIX, SOURCE_TABLE, TOPIC } from './bench-rows.ts';
import type { BenchContext } from './benches/bench.ts';
import type { FeedDatabase } from './feed-database.ts';

const POLL_MS = 10;

/** A slot with a bus of its own, and the processes that are measured on it. */
export interface Feed {
  readonly busFile: string;
  /** For looks at the bus; another connection than any process under test has. */
  readonly bus: SourceLog;
  readonly source: PostgresSource;
  /** The reader as it runs in earnest: its own process. It streams. */
  readonly reader: Child;
  /** Starts another one, after `reader` was closed. Resolves when it streams. */
  startReader(): Promise<Child>;
  /** Records on the table's topic. */
  recordCount(): Promise<number>;
  /** Ends `reader`, and drops slot and publication. Other processes are closed before. */
  close(): Promise<void>;
}

/** Makes a feed whose publication holds the benchmark's table. */
export async function prepareFeed(
  { database, folder, started }: Pick<BenchContext, 'database' | 'folder' | 'started'>,
  name: string,
): Promise<Feed> {
  const busFile = join(folder, `${name}.bus.sqlite`);
  const startReader = (): Promise<Child> =>
    startChild('../../cdc/src/capture/reader/main.ts', {
      SOURCE_URL: database.url,
      BUS_FILE: busFile,
      TOPIC_PREFIX: PREFIX,
      SLOT_NAME: name,
      PUBLICATION_NAME: name,
      LOG_LEVEL: 'error',
    });
  const reader = await startReader(); // makes bus, slot and publication
  started.push(reader);
  const bus = await openSqliteBus({ file: busFile });
  const source = createPostgresSource({ url: database.url, slot: name, publication: name });
  await source.ensureTables([{ name: SOURCE_TABLE, columns: 'every' }], AbortSignal.timeout(30_000));
  return {
    busFile,
    bus,
    source,
    reader,
    startReader,
    async recordCount() {
      return (await bus.ends([TOPIC]))[0]?.nextOffset ?? 0;
    },
    async close() {
      await reader.close();
      await source.close();
      await bus.close();
      await dropSlot(database, name);
    },
  };
}

/** Drops slot and publication of this name. A killed reader's connection takes a moment to end. */
export async function dropSlot(database: FeedDatabase, name: string): Promise<void> {
  await until(`the slot ${name} is free`, async () => {
    const rows = await database.sql('SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1', [
      name,
    ]);
    if (rows[0]?.['active_pid'] != null)
      await database.sql('SELECT pg_terminate_backend($1)', [rows[0]['active_pid']]);
    return rows[0]?.['active_pid'] == null;
  });
  await database.sql(
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1',
    [name],
  );
  await database.sql(`DROP PUBLICATION IF EXISTS ${name}`);
}

/** Asks every `pollMs` (default 10). @throws Error that names what was waited for after `timeoutMs` (default 10 minutes). */
export async function until(
  what: string,
  check: () => Promise<boolean>,
  { timeoutMs = 600_000, pollMs = POLL_MS }: { readonly timeoutMs?: number; readonly pollMs?: number } = {},
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > deadlineMs) throw new Error(`Waited ${timeoutMs} ms in vain for: ${what}`);
    await sleep(pollMs);
  }
}

/**
 * Rows a second from the first look at which there are some to the one at which there are `rows`: a process's start
 * is left out.
 *
 * @param pollMs Milliseconds between looks. Default 10.
 */
export async function rateUntil(
  rows: number,
  count: () => Promise<number>,
  pollMs = POLL_MS,
): Promise<number> {
  let before = 0;
  await until(
    'the first rows have come',
    async () => {
      before = await count();
      return before > 0;
    },
    { pollMs },
  );
  const startMs = performance.now();
  await until(`${rows} rows have come`, async () => (await count()) >= rows, { pollMs });
  return ((rows - before) / (performance.now() - startMs)) * 1_000;
}
