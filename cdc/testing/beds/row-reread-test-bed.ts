/** What tests of row re-reads share: a source, its reader, a bus in a file, and a copy in SQLite. */
import { defineSlice } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import type { Knex } from 'knex';
import type { SourceLog } from '../../src/bus/bus.ts';
import { openSqliteBus } from '../../src/bus/sqlite/sqlite-bus.ts';
import { createCaughtUp } from '../../src/verify/caught-up.ts';
import { createFolder } from './consumer-test-bed.ts';
import { startConsumer, type Consumer } from '../../src/apply/consumer.ts';
import { createSqliteApplyStore } from '../../src/apply/stores/sqlite/sqlite-apply-store.ts';
import { createTestBed, PREFIX, type TestBed } from './reader-test-bed.ts';
import { startReader, type Reader } from '../../src/capture/reader/reader.ts';
import { openSqliteFile } from '@banyan/kit/sqlite';

export const TABLE = 'public.part';

export const partsSlice = defineSlice({
  name: 'parts',
  title: 'Parts',
  routes: [{ path: '/parts' }],
  tables: [
    {
      source: TABLE,
      target: 'part',
      kind: 'owned',
      key: ['n', 'box'],
      columns: { box: 'box', n: 'n', body: 'body' },
    },
  ],
});

export interface PartsBed {
  readonly source: TestBed;
  readonly busFile: string;
  readonly bus: SourceLog;
  readonly reader: () => Reader;
  readonly consumer: () => Consumer;
  /** The copy's store, to plant what is wrong. */
  readonly copy: Knex;
  /** Ends the reader; `startReader` begins another one. */
  stopReader(): Promise<void>;
  startReader(): Promise<void>;
  /** Waits until the copy has applied what was committed by now. */
  caughtUp(): Promise<void>;
  /** Rows of both sides, in the order of their keys. */
  rows(): Promise<{ readonly source: readonly unknown[]; readonly copy: readonly unknown[] }>;
  close(): Promise<void>;
}

export async function createPartsBed(label: string): Promise<PartsBed> {
  const folder = await createFolder();
  const source = await createTestBed(label);
  await source.sql(`
    CREATE TABLE part (box varchar(8), n numeric(6, 2), body text, PRIMARY KEY (n, box));
    CREATE TABLE loose (name text);
    CREATE TABLE apart (id int PRIMARY KEY)`);
  const busFile = folder.file('bus.sqlite');
  const bus = await openSqliteBus({ file: busFile });
  const copy = await openSqliteFile({ file: folder.file('store.sqlite') });
  await copy.raw('CREATE TABLE part (box TEXT, n TEXT, body TEXT, PRIMARY KEY (n, box)) STRICT');
  let reader = await startReader(source.reader(bus));
  const signal = AbortSignal.timeout(180_000);
  await source.source.ensureTables([TABLE], signal);
  const consumer = await startConsumer({
    slice: partsSlice,
    group: 'parts',
    bus,
    prefix: PREFIX,
    logger: silentLogger,
    store: createSqliteApplyStore({ knex: copy }),
  });
  const caughtUp = createCaughtUp({
    source: source.source,
    bus,
    prefix: PREFIX,
    feed: { log: bus, slot: source.slot },
  });
  const refuse = (): never => {
    throw new Error('not asked in these tests');
  };
  return {
    source,
    busFile,
    bus,
    copy,
    reader: () => reader,
    consumer: () => consumer,
    stopReader: () => reader.close(),
    async startReader() {
      reader = await startReader(source.reader(bus));
    },
    async caughtUp() {
      await caughtUp.wait({
        slice: partsSlice,
        copy: {
          metTopics: (id) => consumer.metTopics(id),
          sync: () => Promise.resolve(consumer.report()),
          pieces: refuse,
          rows: refuse,
        },
        signal: AbortSignal.timeout(30_000),
      });
    },
    rows: async () => ({
      source: await source.sql('SELECT n::text, box, body FROM part ORDER BY n::text COLLATE "C", box'),
      copy: await copy.raw<unknown[]>('SELECT n, box, body FROM part ORDER BY n, box'),
    }),
    async close() {
      await consumer.close();
      await reader.close();
      await bus.close();
      await copy.destroy();
      await source.close();
      await folder.remove();
    },
  };
}
