import {
  controlRecordKey,
  defineSlice,
  stringifyExactJson,
  type Envelope,
  type EnvelopeOp,
  type Row,
} from '@banyan/contracts';
import type { Knex } from 'knex';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus, BusRecord } from '../../src/bus/bus.ts';
import { openSqliteFile } from '@banyan/kit/sqlite';
import type { ConsumerBus } from '../../src/apply/consumer.ts';

/** A slice of one table, with every kind of column. The transform fails on the title `poison`. */
export const notesSlice = defineSlice({
  name: 'notes',
  title: 'Notes',
  routes: [{ path: '/notes' }],
  tables: [
    {
      source: 'public.notes',
      target: 'note',
      kind: 'owned',
      key: ['id'],
      columns: {
        id: 'note_id',
        title: {
          to: 'headline',
          transform: {
            name: 'upper',
            forward(value) {
              if (value === 'poison') throw new Error('cannot');
              return typeof value === 'string' ? value.toUpperCase() : value;
            },
            inverse: (value) => (typeof value === 'string' ? value.toLowerCase() : value),
          },
        },
        body: 'text',
        big: 'big',
        done: 'done',
        tags: 'tags',
        score: 'score',
      },
    },
  ],
});

/** The target of `notesSlice`; a headline is there once, and a trigger counts every write to a row. */
export const notesSchema = [
  `CREATE TABLE note (
    note_id INTEGER PRIMARY KEY, headline TEXT NOT NULL UNIQUE, text TEXT NOT NULL, big INTEGER, done INTEGER,
    tags TEXT, score REAL, writes INTEGER NOT NULL DEFAULT 1)`,
  `CREATE TRIGGER note_write AFTER UPDATE OF text ON note
   BEGIN UPDATE note SET writes = writes + 1 WHERE note_id = new.note_id; END`,
];

export const notesTopic = 'shop.public.notes';

/** A whole row of `public.notes`. */
export function note(id: number | bigint, changes: Row = {}): Row {
  return { id, title: `t${id}`, body: `b${id}`, big: null, done: false, tags: null, score: null, ...changes };
}

/** A row event as it comes on the bus. */
export function rowRecord(
  op: EnvelopeOp,
  row: Row,
  options: { readonly topic?: string; readonly key?: Row; readonly committedAtMs?: number } = {},
): BusRecord {
  const { topic = notesTopic, key = { id: row['id'] ?? null }, committedAtMs = Date.now() } = options;
  const at = { ts_ms: committedAtMs, ts_us: committedAtMs * 1_000, ts_ns: committedAtMs * 1_000_000 };
  const envelope: Envelope = {
    before: op === 'd' ? row : null,
    after: op === 'd' || op === 't' ? null : row,
    source: {
      ...at,
      version: '1',
      connector: 'postgresql',
      name: 'shop',
      snapshot: op === 'r' ? 'incremental' : 'false',
      db: 'shop',
      sequence: null,
      schema: 'public',
      table: 'notes',
      txId: null,
      lsn: null,
      xmin: null,
      origin: null,
      origin_lsn: null,
    },
    transaction: null,
    op,
    ...at,
  };
  return {
    topic,
    key: op === 't' ? null : stringifyExactJson(key),
    headers: {},
    value: stringifyExactJson(envelope),
  };
}

/** What a delete is followed by. */
export function tombstone(id: number): BusRecord {
  return { topic: notesTopic, key: `{"id":${id}}`, headers: {}, value: null };
}

/** Says that this row is being read again at the source. */
export function rereadBegun(id: string, row: number): BusRecord {
  const key = `{"id":${row}}`;
  return {
    topic: notesTopic,
    key: controlRecordKey('reread'),
    headers: { id, key },
    value: null,
    partitionKey: key,
  };
}

/** The row of a record, as one that was read again at the source. */
export function rereadRow(id: string, { topic, key, value }: BusRecord): BusRecord {
  const row = key ?? '';
  return {
    topic,
    key: controlRecordKey('reread'),
    headers: { id, key: row },
    value,
    partitionKey: row,
  };
}

/** Folder for a test file's databases. */
export async function createFolder(): Promise<{ file(name: string): string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'banyan-cdc-'));
  return { file: (name) => join(folder, name), remove: () => rm(folder, { recursive: true }) };
}

/** Opens a store with the table `note`, made when missing. */
export async function openNotes(file: string): Promise<Knex> {
  const knex = await openSqliteFile({ file });
  if (!(await knex.schema.hasTable('note'))) for (const statement of notesSchema) await knex.raw(statement);
  return knex;
}

/** Waits until `condition` holds; fails after 10 s. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = 'the condition',
): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`Waited in vain for ${what}.`);
    await delay(10);
  }
}

/** A bus whose `consume` is another one. */
export function withConsume(bus: Bus, consume: Bus['consume']): ConsumerBus {
  return {
    consume,
    id: () => bus.id(),
    partitions: (topic) => bus.partitions(topic),
    starts: (topics) => bus.starts(topics),
    ends: (topics) => bus.ends(topics),
    commit: (group, positions) => bus.commit(group, positions),
    release: (group, topics) => bus.release(group, topics),
    groups: () => bus.groups(),
  };
}
