/** How much of a long value the processes hold at once, as Linux counts it: a multiple of the value, no absolute size. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SyncReport } from '@banyan/contracts';
import { openPostgresNotes } from '../beds/postgres-test-bed.ts';
import type { SourceLog } from '../../src/bus/bus.ts';
import { openSqliteBus } from '../../src/bus/sqlite/sqlite-bus.ts';
import { createTestBed, eventually, PREFIX, type TestBed } from '../beds/reader-test-bed.ts';

const TOPIC = `${PREFIX}.public.notes`;
const VALUE_MIB = 64;
const children = new Set<ChildProcess>();
let bed: TestBed;
let folder: string;
let bus: SourceLog;
let busFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-memory-'));
  busFile = join(folder, 'bus.sqlite');
  bed = await createTestBed('memory');
  bus = await openSqliteBus({ file: busFile });
  await bed.sql(`CREATE TABLE notes (id bigint PRIMARY KEY, title text, body text, big bigint, done boolean, tags json,
    score double precision)`);
});
afterAll(async () => {
  for (const child of children) await end(child);
  await bus.close();
  await bed.close();
  await rm(folder, { recursive: true });
});

function start(
  main: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = spawn(process.execPath, [new URL(main, import.meta.url).pathname, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.add(child);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

/** The most memory that it ever had, MiB. */
async function peakOf(child: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${child.pid ?? 0}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
}

async function stored(): Promise<number> {
  return (await bus.ends([TOPIC]))[0]?.nextOffset ?? 0;
}

/** How many times the value's bytes its memory has grown by them. */
async function growthOf(child: ChildProcess, work: () => Promise<void>): Promise<number> {
  const before = await peakOf(child);
  await work();
  return ((await peakOf(child)) - before) / VALUE_MIB;
}

function applied(child: ChildProcess): () => number {
  let offset = 0;
  child.on('message', (report) => (offset = (report as SyncReport).tables[0]?.nextOffset ?? 0));
  return () => offset;
}

// /proc is Linux's.
const onLinux = platform() === 'linux' ? test : test.skip;

onLinux(
  'on Linux: reader and services hold a long value a few times over at most',
  async () => {
    const reader = start('../../src/capture/reader/main.ts', [], {
      SOURCE_URL: bed.url,
      BUS_FILE: busFile,
      TOPIC_PREFIX: PREFIX,
      LOG_LEVEL: 'warn',
      SLOT_NAME: bed.slot,
      PUBLICATION_NAME: bed.publication,
    });
    await eventually('the reader has taken over', () => bus.sourcePosition(bed.slot));
    await bed.source.ensureTables(['public.notes'], AbortSignal.timeout(60_000));
    await bed.sql(`INSERT INTO notes (id, title, body) VALUES (1, 'a', 'short')`);
    await eventually('it is stored', async () => (await stored()) === 1);
    const store = await openPostgresNotes('memory_store');
    const toPostgres = start('../processes/consume-until-killed.ts', [busFile, store.url]);
    const toSqlite = start('../processes/consume-until-killed.ts', [busFile, join(folder, 'store.sqlite')]);
    try {
      const offsets = [toPostgres, toSqlite].map(applied);
      await eventually('both have the short one', () => offsets.every((offset) => offset() === 1));
      // Text with what JSON and array literals escape.
      const line = `E'a "quoted" line, and \\\\ what\\nelse\\n'`;
      const bytes = VALUE_MIB * 1024 * 1024;
      const growth = { reader: 0, postgres: 0, sqlite: 0 };
      growth.postgres = await growthOf(toPostgres, async () => {
        growth.sqlite = await growthOf(toSqlite, async () => {
          growth.reader = await growthOf(reader, async () => {
            await bed.sql(
              `INSERT INTO notes (id, title, body) SELECT 2, 'b', left(repeat(${line}, $1 / 30), $1)`,
              [bytes],
            );
            await eventually('it is stored', async () => (await stored()) === 2);
          });
          await eventually('both have it', () => offsets.every((offset) => offset() === 2), 120_000);
        });
      });
      expect(growth.reader).toBeLessThan(3.5);
      expect(growth.postgres).toBeLessThan(6);
      expect(growth.sqlite).toBeLessThan(6);
      const [source] = await bed.sql('SELECT md5(body) FROM notes WHERE id = 2');
      const copied = await store.knex.raw<{ rows: unknown[] }>(
        'SELECT md5(text) FROM note WHERE note_id = 2',
      );
      expect(copied.rows).toEqual([source]);
    } finally {
      for (const child of [reader, toPostgres, toSqlite]) await end(child);
      await store.close();
    }
  },
  300_000,
);
