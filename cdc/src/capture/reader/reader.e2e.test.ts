import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { heartbeatTopic, tableTopic } from '@banyan/contracts';
import { SourceFencedError, type SourceLog } from '../../bus/bus.ts';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import { parseLsn } from '../../rows/lsn.ts';
import { createPostgresSource } from '../feed/postgres-source.ts';
import {
  caughtUp,
  createTestBed,
  envelopeOf,
  eventually,
  PREFIX,
  readTopic,
  withAppendAt,
  type TestBed,
  withNamedTables,
} from '../../../testing/beds/reader-test-bed.ts';
import { startReader, type Reader, type ReaderOptions } from './reader.ts';

let bed: TestBed;
const readers: Reader[] = [];
const signal = AbortSignal.timeout(300_000);
const topic = tableTopic(PREFIX, 'public.note');

async function start(log: SourceLog, options: Partial<ReaderOptions> = {}): Promise<Reader> {
  const reader = await startReader({ ...bed.reader(log), ...options });
  readers.push(reader);
  return reader;
}

async function texts(log: SourceLog): Promise<unknown[]> {
  return (await readTopic(log, topic)).map((record) => envelopeOf(record)?.after?.['body']);
}

beforeAll(async () => {
  bed = await createTestBed('reader');
  await bed.sql('CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)');
});
afterEach(async () => {
  for (const reader of readers.splice(0)) await reader.close();
  await eventually('the slot is free', async () => {
    const rows = await bed.sql('SELECT active FROM pg_replication_slots WHERE slot_name = $1', [bed.slot]);
    return rows[0]?.['active'] !== true;
  });
  await bed.sql('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1', [
    bed.slot,
  ]);
  await bed.sql(`DROP PUBLICATION IF EXISTS ${bed.publication}`);
});
afterAll(() => bed.close());

test('makes publication and slot, and puts a commit on the bus once the table is in the feed', async () => {
  const bus = createMemoryBus();
  await start(bus);
  await bed.source.ensureTables(['public.note'], signal);
  await bed.sql(`INSERT INTO note (body) VALUES ('first')`);
  await caughtUp(bed);
  expect(await texts(bus)).toEqual(['first']);
});

test('an idle database reaches a position that was taken', async () => {
  const bus = createMemoryBus();
  const reader = await start(bus, { heartbeatIntervalMs: 60_000 });
  const position = parseLsn(await bed.source.takePosition(signal));
  await eventually('the position is stored', () => {
    const stored = reader.status().storedLsn;
    return stored !== null && parseLsn(stored) >= position;
  });
  await eventually('the position is confirmed', async () => {
    const { confirmedFlushLsn } = await bed.source.slotStatus(signal);
    return confirmedFlushLsn !== null && parseLsn(confirmedFlushLsn) >= position;
  });
});

test('what is confirmed is what is stored, to the byte', async () => {
  const bus = createMemoryBus();
  const reader = await start(bus, { heartbeatIntervalMs: 60_000 });
  await bed.source.ensureTables(['public.note'], signal);
  for (let round = 0; round < 5; round += 1) {
    await bed.sql(`INSERT INTO note (body) VALUES ('exact')`);
    await eventually('the insert is stored', async () => (await texts(bus)).length === round + 1);
    const stored = (await bus.sourcePosition(bed.slot))?.lsn;
    await eventually('the server knows it', async () => {
      const { confirmedFlushLsn } = await bed.source.slotStatus(signal);
      return confirmedFlushLsn !== null && parseLsn(confirmedFlushLsn) === stored;
    });
    expect(parseLsn(reader.status().confirmedLsn ?? '')).toBe(stored);
  }
});

test('heartbeats come through the stream', async () => {
  const bus = createMemoryBus();
  const reader = await start(bus, { heartbeatIntervalMs: 50 });
  const records = await eventually('three heartbeats', async () => {
    const found = await readTopic(bus, heartbeatTopic(PREFIX));
    return found.length >= 3 ? found : null;
  });
  expect(records[0]).toMatchObject({ key: '{"serverName":"shop"}' });
  expect(JSON.parse(records[0]?.value ?? '')).toEqual({ ts_ms: expect.any(Number) });
  expect(reader.status().heartbeatAtMs).not.toBeNull();
});

test('goes on where another one stopped, without loss or repetition', async () => {
  const bus = createMemoryBus();
  const first = await start(bus);
  await bed.source.ensureTables(['public.note'], signal);
  await bed.sql(`INSERT INTO note (body) VALUES ('one')`);
  await caughtUp(bed);
  await first.close();
  await bed.sql(`INSERT INTO note (body) VALUES ('two')`);
  await start(bus);
  await bed.sql(`INSERT INTO note (body) VALUES ('three')`);
  await caughtUp(bed);
  expect(await texts(bus)).toEqual(['one', 'two', 'three']);
});

test('what was stored but not confirmed is not stored again', async () => {
  const bus = createMemoryBus();
  let broken = 0;
  const storesThenFails = withAppendAt(bus, (records, move) => {
    if (broken > 0 || !records.some((record) => record.topic === topic)) return null;
    broken += 1;
    // The commit went through; whoever waited for it never heard.
    return bus.appendAt(records, move).then(() => Promise.reject(new Error('connection lost')));
  });
  await start(storesThenFails, { heartbeatIntervalMs: 60_000 });
  await bed.source.ensureTables(['public.note'], signal);
  await bed.sql(`INSERT INTO note (body) VALUES ('one')`);
  await bed.sql(`INSERT INTO note (body) VALUES ('two')`);
  await caughtUp(bed);
  expect(broken).toBe(1);
  expect(await texts(bus)).toEqual(['one', 'two']);
});

test('batches are stored one at a time, and nothing behind one that failed before it', async () => {
  const bus = createMemoryBus();
  let storing = 0;
  let most = 0;
  let batches = 0;
  const slow = withAppendAt(bus, (records, move) => {
    if (!records.some((record) => record.topic === topic)) return null;
    batches += 1;
    const fails = batches === 3;
    storing += 1;
    most = Math.max(most, storing);
    return sleep(50) // long enough for the next batch to be put together
      .then(() => (fails ? Promise.reject(new Error('bus busy')) : bus.appendAt(records, move)))
      .finally(() => (storing -= 1));
  });
  await start(slow, { heartbeatIntervalMs: 100 });
  await bed.source.ensureTables(['public.note'], signal);
  await bed.sql(`
    DO $$ BEGIN FOR n IN 0..49 LOOP
      INSERT INTO note (body) SELECT n * 400 + i FROM generate_series(1, 400) i; COMMIT;
    END LOOP; END $$`);
  await caughtUp(bed);
  expect(batches).toBeGreaterThan(8);
  expect(most).toBe(1);
  expect(await texts(bus)).toEqual(Array.from({ length: 20_000 }, (_, n) => String(n + 1)));
}, 180_000);

test('what was stored but not confirmed is confirmed once it came again, though nothing follows', async () => {
  const bus = createMemoryBus();
  let hasFailed = false;
  const lastAnswerLost = withAppendAt(bus, (records, move) => {
    if (hasFailed || !records.some((record) => record.topic === topic)) return null;
    hasFailed = true;
    return bus.appendAt(records, move).then(() => Promise.reject(new Error('connection lost')));
  });
  const reader = await start(lastAnswerLost, { heartbeatIntervalMs: 60_000 });
  await bed.source.ensureTables(['public.note'], signal);
  await bed.sql(`INSERT INTO note (body) VALUES ('last')`);
  await eventually('it was stored', async () => (await texts(bus)).length === 1);
  const stored = (await bus.sourcePosition(bed.slot))?.lsn ?? 0n;
  await eventually('the server knows it', async () => {
    const { confirmedFlushLsn } = await bed.source.slotStatus(signal);
    return confirmedFlushLsn !== null && parseLsn(confirmedFlushLsn) >= stored;
  });
  expect(hasFailed).toBe(true);
  expect(await texts(bus)).toEqual(['last']);
  expect(reader.status().state).toBe('streaming');
});

test('a killed walsender is replaced', async () => {
  const bus = createMemoryBus();
  const reader = await start(bus);
  await bed.source.ensureTables(['public.note'], signal);
  for (let round = 0; round < 3; round += 1) {
    await bed.sql(`INSERT INTO note (body) VALUES ('before ${round}')`);
    await bed.sql(
      'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active',
      [bed.slot],
    );
    await bed.sql(`INSERT INTO note (body) VALUES ('after ${round}')`);
    await caughtUp(bed);
  }
  expect(await texts(bus)).toEqual([0, 1, 2].flatMap((round) => [`before ${round}`, `after ${round}`]));
  expect(reader.status()).toMatchObject({ state: 'streaming', problem: null, epoch: 1 });
});

test('a second reader takes the slot over, and the first one stops', async () => {
  const bus = createMemoryBus();
  const first = await start(bus);
  await bed.source.ensureTables(['public.note'], signal);
  const second = await start(bus);
  expect(await first.stopped).toBeInstanceOf(SourceFencedError);
  expect(first.status()).toMatchObject({ state: 'stopped' });
  await bed.sql(`INSERT INTO note (body) VALUES ('once')`);
  await caughtUp(bed);
  expect(await texts(bus)).toEqual(['once']);
  expect(second.status()).toMatchObject({ state: 'streaming', epoch: 2 });
});

test('a reader that takes over from one that goes on storing while it looks does not begin the feed anew', async () => {
  const bus = createMemoryBus();
  const first = await start(bus);
  let looks = 0;
  const slow: SourceLog = new Proxy(bus, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'sourcePosition')
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return async (slot: string) => {
        const found = await target.sourcePosition(slot);
        looks += 1;
        // The slot is looked at only once the first reader has confirmed more.
        if (looks === 1 && found) {
          await eventually('more is confirmed', async () => {
            const { confirmedFlushLsn } = await bed.source.slotStatus(signal);
            return confirmedFlushLsn !== null && parseLsn(confirmedFlushLsn) > found.lsn;
          });
        }
        return found;
      };
    },
  });
  const second = await start(slow);
  expect(await first.stopped).toBeInstanceOf(SourceFencedError);
  expect(looks).toBeGreaterThan(0);
  expect(second.status()).toMatchObject({ epoch: 2, incarnation: 1 });
});

test('nor does one that asked where the log ends before the other stored more', async () => {
  const bus = createMemoryBus();
  const first = await start(bus);
  const before = (await bus.sourcePosition(bed.slot))?.lsn ?? 0n;
  let looks = 0;
  const late: SourceLog = new Proxy(bus, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'sourcePosition')
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return async (slot: string) => {
        looks += 1;
        if (looks === 1) {
          // Far beyond where the log ended when it was asked.
          const { lsn } = await writeOn();
          await eventually(
            'more is stored',
            async () => ((await target.sourcePosition(slot))?.lsn ?? 0n) >= lsn,
          );
        }
        return target.sourcePosition(slot);
      };
    },
  });
  const writeOn = async (): Promise<{ lsn: bigint }> => ({
    lsn: parseLsn(await bed.source.takePosition(signal)),
  });
  const second = await start(late);
  expect(await first.stopped).toBeInstanceOf(SourceFencedError);
  expect((await bus.sourcePosition(bed.slot))?.lsn ?? 0n).toBeGreaterThan(before);
  expect(second.status()).toMatchObject({ epoch: 2, incarnation: 1 });
});

test('a bus that fails for a while loses nothing', async () => {
  const bus = createMemoryBus();
  let failures = 3;
  const flaky = withAppendAt(bus, () => {
    if (failures === 0) return null;
    failures -= 1;
    return Promise.reject(new Error('disk full'));
  });
  await start(flaky);
  await bed.source.ensureTables(['public.note'], signal);
  await bed.sql(`INSERT INTO note (body) VALUES ('kept')`);
  await caughtUp(bed);
  expect(failures).toBe(0);
  expect(await texts(bus)).toEqual(['kept']);
});

test('a transaction of 20,000 rows is stored in parts, and its position moves at its end only', async () => {
  const bus = createMemoryBus();
  const moves: { readonly rows: number; readonly from: bigint; readonly to: bigint }[] = [];
  const watching = withAppendAt(bus, (records, { expectedLsn: from, lsn: to }) => {
    const rows = records.filter((record) => record.topic === topic).length;
    if (rows > 0) moves.push({ rows, from, to });
    return null;
  });
  await start(watching);
  await bed.source.ensureTables(['public.note'], signal);
  await bed.sql(`INSERT INTO note (body) SELECT repeat('x', 500) FROM generate_series(1, 20000)`);
  await caughtUp(bed);
  expect(await texts(bus)).toHaveLength(20_000);
  expect(Math.max(...moves.map(({ rows }) => rows))).toBeLessThanOrEqual(2_000);
  expect(moves.slice(0, -1).filter(({ from, to }) => from !== to)).toEqual([]);
});

test("stops with a reason when Banyan's schema is missing", async () => {
  await bed.sql('ALTER TABLE banyan.signal RENAME TO signal_away');
  try {
    await expect(startReader(bed.reader(createMemoryBus()))).rejects.toMatchObject({
      code: 'signal-table-missing',
    });
  } finally {
    await bed.sql('ALTER TABLE banyan.signal_away RENAME TO signal');
  }
});

test('stops with a reason when the server refuses the password', async () => {
  const url = new URL(bed.url);
  url.password = 'wrong';
  await expect(startReader({ ...bed.reader(createMemoryBus()), sourceUrl: url.href })).rejects.toMatchObject({
    code: 'source-refused',
  });
});

test('waits for a server that cannot be reached', async () => {
  const url = new URL(bed.url);
  url.port = '1';
  const reader = await start(createMemoryBus(), { sourceUrl: url.href });
  expect(reader.status()).toMatchObject({ state: 'connecting', epoch: null, storedLsn: null });
  expect(reader.status().problem).toMatch(/ECONNREFUSED/);
});

test('a role suffices that may replicate, make a publication, and is a member of the owner of the tables', async () => {
  const [owner, role] = [`owner_of_${bed.slot}`, `banyan_of_${bed.slot}`];
  await bed.sql(`
    CREATE ROLE ${owner};
    CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'secret';
    GRANT ${owner} TO ${role};
    GRANT CREATE ON DATABASE ${bed.slot} TO ${role};
    ALTER TABLE note OWNER TO ${owner};
    ALTER SCHEMA banyan OWNER TO ${role};
    ALTER TABLE banyan.feed_column OWNER TO ${role};
    ALTER TABLE banyan.signal OWNER TO ${role}`);
  const url = new URL(bed.url);
  url.username = role;
  url.password = 'secret';
  const source = withNamedTables(
    createPostgresSource({ url: url.href, slot: bed.slot, publication: bed.publication }),
  );
  const bus = createMemoryBus();
  const reader = await start(bus, { sourceUrl: url.href });
  try {
    await source.ensureTables(['public.note'], signal);
    await source.requestTableSnapshot(['public.note'], signal);
    await bed.sql(`INSERT INTO note (body) VALUES ('seen')`);
    await caughtUp(bed);
    expect(await texts(bus)).toContain('seen');
    await eventually('the table snapshot is done', () => reader.status().tableSnapshots.length === 0);
  } finally {
    await source.close();
    await reader.close();
    await bed.sql(`DROP PUBLICATION ${bed.publication}`);
    await bed.sql(`REASSIGN OWNED BY ${owner}, ${role} TO CURRENT_USER`);
    await bed.sql(`DROP OWNED BY ${owner}, ${role}`);
    await bed.sql(`DROP ROLE ${role}, ${owner}`);
  }
});
