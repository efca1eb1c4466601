/** A monolith's database with Banyan's schema, and a folder, for the processes of a test. */
import { killAll, startProcess, type TestProcess } from '@banyan/kit/testing';
import { createTestDatabase } from '@banyan/postgres';
import createKnex from 'knex';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrateBanyan } from '../../migrations/banyan/index.ts';

type FeedSetting =
  | 'LOG_LEVEL'
  | 'SOURCE_URL'
  | 'BUS_FILE'
  | 'TOPIC_PREFIX'
  | 'HEARTBEAT_INTERVAL_MS'
  | 'SLOT_NAME'
  | 'PUBLICATION_NAME';

export interface TestMonolith {
  /** For the bus, stores and settings; goes with the rest. */
  readonly folder: string;
  readonly sql: pg.Client;
  /** Settings that a reader, a service and control share. */
  readonly feed: Readonly<Record<FeedSetting, string>>;
  /** The reader, in a process of its own. */
  startReader(): TestProcess;
  /** Kills all processes, runs what was given to `onClose`, the last one first, and drops the database. */
  close(): Promise<void>;
  onClose(...stops: readonly (() => Promise<unknown>)[]): void;
}

/** @param label Part of the names of database and folder. */
export async function createTestMonolith(label: string): Promise<TestMonolith> {
  const folder = await mkdtemp(join(tmpdir(), `banyan-${label}-`));
  const database = await createTestDatabase(label);
  const sql = new pg.Client(database.url);
  await sql.connect();
  const knex = createKnex({ client: 'pg', connection: database.url });
  await migrateBanyan(knex);
  await knex.destroy();
  const feed = {
    LOG_LEVEL: 'warn',
    SOURCE_URL: database.url,
    BUS_FILE: join(folder, 'bus.sqlite'),
    TOPIC_PREFIX: 'shop',
    HEARTBEAT_INTERVAL_MS: '200',
    SLOT_NAME: database.name,
    PUBLICATION_NAME: database.name,
  };
  const stops: (() => Promise<unknown>)[] = [];
  return {
    folder,
    sql,
    feed,
    startReader: () => startProcess(new URL('../../cdc/src/capture/reader/main.ts', import.meta.url), feed),
    onClose: (...more) => void stops.push(...more),
    async close() {
      await killAll();
      for (const stop of stops.reverse()) await stop();
      await sql.end();
      await database.drop();
      await rm(folder, { recursive: true });
    },
  };
}
