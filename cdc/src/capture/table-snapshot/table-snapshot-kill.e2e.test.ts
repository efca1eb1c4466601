/** The reader as a process of its own, killed amid a table snapshot of a table whose key is text and of two columns. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tableTopic } from '@banyan/contracts';
import { kill, startProcess, type TestProcess } from '@banyan/kit/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceLog } from '../../bus/bus.ts';
import { openSqliteBus } from '../../bus/sqlite/sqlite-bus.ts';
import { readTableSnapshotHistory } from './table-snapshot-progress.ts';
import {
  caughtUp,
  createTestBed,
  envelopeOf,
  eventually,
  PREFIX,
  readTopic,
  replay,
  type TestBed,
} from '../../../testing/beds/reader-test-bed.ts';

const ROWS = 6_000;
let bed: TestBed;
let folder: string;
let bus: SourceLog;
let child: TestProcess;
const signal = AbortSignal.timeout(300_000);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-snapshot-kill-'));
  bed = await createTestBed('snapshot_kill');
  bus = await openSqliteBus({ file: join(folder, 'bus.sqlite') });
  // Sorted by a language's rules, case and accents and all, which is not the order of bytes.
  await bed.sql(`
    CREATE COLLATION tongue (provider = icu, locale = 'de');
    CREATE TABLE word (text text COLLATE tongue, n numeric, note text, PRIMARY KEY (text, n));
    INSERT INTO word SELECT (ARRAY['a', 'Ä', 'b', 'B ''"', 'é', '\\', ''])[1 + i % 7] || i / 70, i % 10, 'old'
      FROM generate_series(1, ${ROWS}) i ON CONFLICT DO NOTHING`);
  child = startReaderProcess();
});
afterAll(async () => {
  await kill(child);
  await bus.close();
  await bed.close();
  await rm(folder, { recursive: true });
});

function startReaderProcess(): TestProcess {
  const env = {
    ...bed.readerEnv(join(folder, 'bus.sqlite')),
    SNAPSHOT_CHUNK_ROWS: '50',
    LOG_LEVEL: 'silent',
  };
  return startProcess(new URL('../reader/main.ts', import.meta.url), env);
}

async function rowsDone(): Promise<number> {
  const history = await readTableSnapshotHistory({ bus, prefix: PREFIX, signal });
  return history.progress('public.word')?.rowsDone ?? 0;
}

test('goes on after the last stored chunk, not from the beginning, and ends with the same rows', async () => {
  await eventually('it streams', async () => (await bed.source.slotStatus(signal)).active);
  await bed.source.ensureTables(['public.word'], signal);
  const total = Number((await bed.sql('SELECT count(*) FROM word'))[0]?.['count']);
  await bed.source.requestTableSnapshot(['public.word'], signal);
  let done = 0;
  for (let round = 0; round < 3; round += 1) {
    done = await eventually('it has read more', async () => {
      const now = await rowsDone();
      return now > done + 200 && now;
    });
    await kill(child);
    expect(await rowsDone()).toBeLessThan(total); // else nothing was left to go on with
    await bed.sql(`UPDATE word SET note = 'new', n = n + 100 WHERE n = ${round}`);
    await bed.sql(`DELETE FROM word WHERE n = ${round + 3}`);
    child = startReaderProcess();
  }
  await eventually('it is completed', async () => {
    const history = await readTableSnapshotHistory({ bus, prefix: PREFIX, signal });
    return history.progress('public.word')?.state === 'completed';
  });
  await caughtUp(bed);
  const rows = await bed.sql('SELECT text, n, note FROM word');
  expect(await replay(bus, 'public.word')).toEqual(
    new Map(rows.map((row) => [JSON.stringify({ text: row['text'], n: row['n'] }), row])),
  );
  // What is stored is not read again: rows and progress were stored together.
  const reads = (await readTopic(bus, tableTopic(PREFIX, 'public.word'))).flatMap((record) =>
    envelopeOf(record)?.op === 'r' ? [record.key] : [],
  );
  expect(reads.length).toBe(new Set(reads).size);
}, 180_000);
