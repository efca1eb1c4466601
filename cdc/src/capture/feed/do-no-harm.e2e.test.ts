/**
 * First, do no harm: what the application could do to its tables without the feed it can do with it, and after it. Each
 * form of table is tried with the same statements three times; what PostgreSQL answers has to be the same.
 *
 * OTHER_POSTGRES_URL, of a superuser, adds a second server, of another version for instance.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import {
  createTestBed,
  eventually,
  expectCopy,
  type TestBed,
  withNamedTables,
} from '../../../testing/beds/reader-test-bed.ts';
import { startReader, type Reader } from '../reader/reader.ts';
import pg from 'pg';
import { forms, isFitOn, isKnownTo, tryAll } from '../../../testing/conformance/do-no-harm-cases.ts';
import { createPostgresSource } from './postgres-source.ts';
import { SourceTableError } from './source-table-error.ts';

const servers = [undefined, process.env['OTHER_POSTGRES_URL']].filter((url, i) => i === 0 || url);

describe.each(servers)('on the server %#', (adminUrl) => {
  let bed: TestBed;
  let reader: Reader;
  let version = 0;
  const bus = createMemoryBus();
  const signal = AbortSignal.timeout(600_000);
  const errors: string[] = [];

  beforeAll(async () => {
    if (adminUrl !== undefined) {
      const admin = new pg.Client(adminUrl);
      await admin.connect();
      await admin.query('DROP DATABASE IF EXISTS do_no_harm WITH (FORCE)');
      await admin.query('CREATE DATABASE do_no_harm');
      await admin.end();
    }
    const url =
      adminUrl === undefined ? undefined : Object.assign(new URL(adminUrl), { pathname: '/do_no_harm' }).href;
    bed = await createTestBed('do_no_harm', url);
    version = Number((await bed.sql('SHOW server_version_num'))[0]?.['server_version_num']);
    reader = await startReader({ ...bed.reader(bus), heartbeatIntervalMs: 50 });
  });
  afterAll(async () => {
    await reader.close();
    const drop = 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1';
    await eventually('the slot is free', () => bed.sql(drop, [bed.slot]).catch(() => false));
    await bed.close();
  });

  async function published(): Promise<readonly unknown[]> {
    const rows = await bed.sql(
      `SELECT r.prrelid::regclass::text AS name FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
       WHERE p.pubname = $1 AND r.prrelid <> 'banyan.signal'::regclass`,
      [bed.publication],
    );
    return rows.map(({ name }) => name);
  }

  test.each(Object.entries(forms))('%s', async (_name, form) => {
    if (!isKnownTo(version, form)) return;
    const isFit = isFitOn(version, form);
    const answers = (name: string): Promise<readonly string[]> => tryAll((text) => bed.sql(text), name);
    const table = `t${Object.values(forms).indexOf(form)}`;
    // 1. Without the feed.
    await bed.sql(form.create.replaceAll(':t', `before_${table}`));
    const before = (await answers(`before_${table}`)).map((line) => line.replaceAll('before_', ''));
    // 2. In it, or refused by it.
    await bed.sql(form.create.replaceAll(':t', table));
    const refusal = await bed.source.ensureTables([`public.${table}`], signal).then(
      () => null,
      (error: unknown) => error,
    );
    if (!isFit) {
      expect(refusal).toBeInstanceOf(SourceTableError);
      expect((refusal as SourceTableError).message).toMatch(/To mend it: /);
    } else expect(refusal).toBeNull();
    expect(await published()).toEqual(isFit ? [table] : []);
    expect(await answers(table)).toEqual(before);
    expect(await published()).toEqual(isFit ? [table] : []);
    if (isFit) await expectCopy(bed, bus, `public.${table}`);
    // 3. After it.
    await bed.source.removeTables([`public.${table}`], signal);
    expect(await published()).toEqual([]);
    expect(await answers(table)).toEqual(before);
  });

  const spoilers: Readonly<Record<string, { readonly create: string; readonly spoil: string }>> = {
    'identity nothing': {
      create: 'CREATE TABLE :t (id int PRIMARY KEY, n int)',
      spoil: 'ALTER TABLE :t REPLICA IDENTITY NOTHING',
    },
    'the key is dropped': {
      create: 'CREATE TABLE :t (id int PRIMARY KEY, n int)',
      spoil: 'ALTER TABLE :t DROP CONSTRAINT ":t_pkey"',
    },
    'the key is made deferrable': {
      create: 'CREATE TABLE :t (id int PRIMARY KEY, n int)',
      spoil: 'ALTER TABLE :t DROP CONSTRAINT ":t_pkey", ADD PRIMARY KEY (id) DEFERRABLE',
    },
    'the index of the identity is dropped': {
      create: `CREATE TABLE :t (id int PRIMARY KEY, n int); CREATE UNIQUE INDEX ":t_i" ON :t (id);
        ALTER TABLE :t REPLICA IDENTITY USING INDEX ":t_i"`,
      spoil: 'DROP INDEX ":t_i"',
    },
    'a partition with identity nothing is attached': {
      create: `CREATE TABLE :t (id int PRIMARY KEY, n int) PARTITION BY RANGE (id);
        CREATE TABLE ":t_1" (id int PRIMARY KEY, n int); ALTER TABLE ":t_1" REPLICA IDENTITY NOTHING`,
      spoil: 'ALTER TABLE :t ATTACH PARTITION ":t_1" FOR VALUES FROM (0) TO (100)',
    },
  };

  test.each(Object.entries(spoilers))(
    'a table that becomes unfit leaves the feed at once: %s',
    async (_name, spoiler) => {
      const table = `s${Object.values(spoilers).indexOf(spoiler)}`;
      await bed.sql(spoiler.create.replaceAll(':t', table));
      await bed.source.ensureTables([`public.${table}`], signal);
      await bed.sql(spoiler.spoil.replaceAll(':t', table));
      // The application's own statement is the judge.
      await eventually('writes work again', () =>
        bed.sql(`INSERT INTO ${table} VALUES (1, 1); UPDATE ${table} SET n = 2; DELETE FROM ${table}`).then(
          () => true,
          () => false,
        ),
      );
      expect(await published()).toEqual([]);
      await expect(bed.source.ensureTables([`public.${table}`], signal)).rejects.toThrow(SourceTableError);
    },
  );

  test('the control plane, too, takes out what became unfit, and says what PostgreSQL said', async () => {
    await bed.sql(
      'CREATE TABLE spoiled (id int PRIMARY KEY, n int); CREATE TABLE sound (id int PRIMARY KEY, n int)',
    );
    await reader.close(); // so that nobody else does
    const source = withNamedTables(createPostgresSource(bed));
    try {
      await source.ensureTables(['public.spoiled', 'public.sound'], signal);
      expect(await source.removeUnwritable(signal)).toEqual([]);
      await bed.sql('ALTER TABLE spoiled REPLICA IDENTITY NOTHING');
      await expect(bed.sql('UPDATE spoiled SET n = 1')).rejects.toThrow(/replica identity/);
      expect(await source.removeUnwritable(signal)).toEqual([
        {
          table: 'public.spoiled',
          reason: expect.stringMatching(/"spoiled".*does not have a replica identity/),
        },
      ]);
      expect(await published()).toEqual(['sound']);
      await bed.sql('UPDATE spoiled SET n = 1; DELETE FROM spoiled');
      await source.removeTables(['public.sound'], signal);
    } finally {
      await source.close();
      reader = await startReader({ ...bed.reader(bus), heartbeatIntervalMs: 50 });
    }
  });

  test('what the catalog check does not know, the trial in the transaction of ADD TABLE finds', async () => {
    // Another publication makes it unfit, in a way that none of our questions is about.
    await bed.sql(`CREATE TABLE filtered (id int PRIMARY KEY, n int);
      CREATE PUBLICATION do_no_harm_other FOR TABLE filtered WHERE (n > 0)`);
    await expect(bed.source.ensureTables(['public.filtered'], signal)).rejects.toThrow(
      /public\.filtered: in the feed, UPDATE and DELETE .*would fail.*(WHERE|publication)/,
    );
    expect(await published()).toEqual([]);
    await bed.sql('DROP PUBLICATION do_no_harm_other');
    await bed.source.ensureTables(['public.filtered'], signal);
    await bed.source.removeTables(['public.filtered'], signal);
  });

  test('writers with a short lock_timeout pass while tables enter and leave, beside one that blocks it', async () => {
    await bed.sql(
      'CREATE TABLE busy (id int PRIMARY KEY, n int); INSERT INTO busy SELECT n, 0 FROM generate_series(1, 20) n',
    );
    const holder = new pg.Client(bed.url);
    await holder.connect();
    const done = new AbortController();
    const writer = async (id: number): Promise<number> => {
      const client = new pg.Client(bed.url);
      await client.connect();
      await client.query("SET lock_timeout = '100ms'");
      let written = 0;
      while (!done.signal.aborted) {
        await client.query('UPDATE busy SET n = n + 1 WHERE id = $1', [id]).then(
          () => (written += 1),
          (error: unknown) => errors.push(String(error)),
        );
      }
      await client.end();
      return written;
    };
    const writers = [1, 2, 3].map(writer);
    await holder.query('BEGIN; UPDATE busy SET n = 1 WHERE id = 20');
    const adding = bed.source.ensureTables(['public.busy'], signal);
    await expect(Promise.race([adding, sleepUntilAttempts()])).resolves.toBe('waiting');
    await holder.query('COMMIT');
    await adding;
    await bed.source.removeTables(['public.busy'], signal);
    done.abort();
    expect((await Promise.all(writers)).every((count) => count > 0)).toBe(true);
    await holder.end();
    expect(errors).toEqual([]);

    /** Two attempts at the lock have been made and given up. */
    async function sleepUntilAttempts(): Promise<string> {
      let attempts = 0;
      let before = '';
      while (attempts < 2) {
        const [row] = await bed.sql(
          `SELECT query_start::text AS at FROM pg_stat_activity
           WHERE query LIKE 'LOCK TABLE %busy%' AND wait_event_type = 'Lock' AND datname = current_database()`,
        );
        const at = typeof row?.['at'] === 'string' ? row['at'] : before;
        if (at !== before) attempts += 1;
        before = at;
      }
      return 'waiting';
    }
  });
});
