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
import { createPostgresSource } from './postgres-source.ts';
import { SourceTableError } from './source-table-error.ts';

interface Form {
  /** `:t` is the table's name. */
  readonly create: string;
  /** Whether the feed takes it; a number is the first version (`server_version_num`) that refuses it. */
  readonly isFit: boolean | number;
}

const generated = 'total int GENERATED ALWAYS AS (n * 2) STORED';

const forms: Readonly<Record<string, Form>> = {
  ordinary: { create: 'CREATE TABLE :t (id int PRIMARY KEY, n int, note text)', isFit: true },
  'identity always': {
    create: 'CREATE TABLE :t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int, note text)',
    isFit: true,
  },
  'key of two columns, the other way round': {
    create: "CREATE TABLE :t (note text DEFAULT 'a', n int, id int, PRIMARY KEY (id, note))",
    isFit: true,
  },
  'generated column': {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int, note text, ${generated})`,
    isFit: true,
  },
  'identity full': {
    create: 'CREATE TABLE :t (id int PRIMARY KEY, n int, note text); ALTER TABLE :t REPLICA IDENTITY FULL',
    isFit: true,
  },
  'identity by an index with the key': {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int NOT NULL, note text, CONSTRAINT ":t_both" UNIQUE (id, n));
      ALTER TABLE :t REPLICA IDENTITY USING INDEX ":t_both"`,
    isFit: true,
  },
  'deferrable key, identity full': {
    create: `CREATE TABLE :t (id int PRIMARY KEY DEFERRABLE, n int, note text); ALTER TABLE :t REPLICA IDENTITY FULL`,
    isFit: true,
  },
  'deferrable key, identity by an index': {
    create: `CREATE TABLE :t (id int, n int, note text, PRIMARY KEY (id) DEFERRABLE, CONSTRAINT ":t_one" UNIQUE (id));
      ALTER TABLE :t REPLICA IDENTITY USING INDEX ":t_one"`,
    isFit: true,
  },
  'deferrable key': {
    create: 'CREATE TABLE :t (id int PRIMARY KEY DEFERRABLE, n int, note text)',
    isFit: false,
  },
  'deferred key': {
    create: 'CREATE TABLE :t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, n int, note text)',
    isFit: false,
  },
  'identity full, generated column': {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int, note text, ${generated}); ALTER TABLE :t REPLICA IDENTITY FULL`,
    isFit: 180_000,
  },
  'identity full, virtual column': {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int, note text, twice int GENERATED ALWAYS AS (n * 2) VIRTUAL);
      ALTER TABLE :t REPLICA IDENTITY FULL`,
    isFit: false, // where there are virtual columns
  },
  'identity by an index with a generated column': {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int NOT NULL, note text,
        twice int NOT NULL GENERATED ALWAYS AS (n * 2) STORED, CONSTRAINT ":t_both" UNIQUE (id, twice));
      ALTER TABLE :t REPLICA IDENTITY USING INDEX ":t_both"`,
    isFit: 180_000,
  },
  'identity nothing': {
    create: 'CREATE TABLE :t (id int PRIMARY KEY, n int, note text); ALTER TABLE :t REPLICA IDENTITY NOTHING',
    isFit: false,
  },
  'no key': { create: 'CREATE TABLE :t (id int UNIQUE, n int, note text)', isFit: false },
  'identity by an index that is gone': {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int, note text); CREATE UNIQUE INDEX ":t_gone" ON :t (id);
      ALTER TABLE :t REPLICA IDENTITY USING INDEX ":t_gone"; DROP INDEX ":t_gone"`,
    isFit: false,
  },
  partitioned: {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int, note text) PARTITION BY RANGE (id);
      CREATE TABLE ":t_1" PARTITION OF :t FOR VALUES FROM (0) TO (5); CREATE TABLE ":t_2" PARTITION OF :t DEFAULT`,
    isFit: true,
  },
  'partitioned, one partition of identity nothing': {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int, note text) PARTITION BY RANGE (id);
      CREATE TABLE ":t_1" PARTITION OF :t FOR VALUES FROM (0) TO (5); CREATE TABLE ":t_2" PARTITION OF :t DEFAULT;
      ALTER TABLE ":t_2" REPLICA IDENTITY NOTHING`,
    isFit: false,
  },
  'partitioned, one partition without the key': {
    create: `CREATE TABLE :t (id int NOT NULL, n int, note text) PARTITION BY RANGE (id);
      CREATE TABLE ":t_1" PARTITION OF :t FOR VALUES FROM (0) TO (5); CREATE TABLE ":t_2" PARTITION OF :t DEFAULT;
      ALTER TABLE ONLY :t ADD PRIMARY KEY (id); ALTER TABLE ":t_1" ADD PRIMARY KEY (id)`,
    isFit: false,
  },
  'partitioned, one partition full with a generated column': {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int, note text, ${generated}) PARTITION BY RANGE (id);
      CREATE TABLE ":t_1" PARTITION OF :t FOR VALUES FROM (0) TO (5); CREATE TABLE ":t_2" PARTITION OF :t DEFAULT;
      ALTER TABLE ":t_1" REPLICA IDENTITY FULL`,
    isFit: 180_000,
  },
  inherited: {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int, note text); CREATE TABLE ":t_child" (extra int) INHERITS (:t)`,
    isFit: true,
  },
  'rules and triggers': {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int, note text);
      CREATE FUNCTION ":t_f"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := NEW.n + 1; RETURN NEW; END $$;
      CREATE TRIGGER each BEFORE UPDATE ON :t FOR EACH ROW EXECUTE FUNCTION ":t_f"();
      CREATE RULE quiet AS ON DELETE TO :t WHERE old.id = 4 DO INSTEAD NOTHING`,
    isFit: true,
  },
  'row security': {
    create: `CREATE TABLE :t (id int PRIMARY KEY, n int, note text); ALTER TABLE :t ENABLE ROW LEVEL SECURITY`,
    isFit: true,
  },
  'domains and enums': {
    create: `CREATE DOMAIN ":t_d" AS int CHECK (VALUE > -100); CREATE TYPE ":t_e" AS ENUM ('a', 'b');
      CREATE TABLE :t (id ":t_d" PRIMARY KEY, n int, note text, mood ":t_e" DEFAULT 'a')`,
    isFit: true,
  },
};

/** What an application does. Whatever a form says to one of them, it says with the feed too. */
const statements = [
  "INSERT INTO :t (id, n, note) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'a'), (2, 2, 'b'), (4, 4, 'd'), (7, 7, 'g')",
  'UPDATE :t SET n = n + 1',
  'UPDATE :t SET n = n + 1 WHERE id = 1',
  'UPDATE ONLY :t SET note = note WHERE false',
  'UPDATE :t SET id = 9 WHERE id = 7',
  'DELETE FROM :t WHERE id = 2',
  'DELETE FROM ONLY :t WHERE id = 4',
  `INSERT INTO :t (id, n, note) OVERRIDING SYSTEM VALUE VALUES (1, 5, 'a')
    ON CONFLICT (id) DO UPDATE SET n = excluded.n`,
  `INSERT INTO :t (id, n, note) OVERRIDING SYSTEM VALUE VALUES (1, 5, 'a') ON CONFLICT DO NOTHING`,
  `MERGE INTO :t USING (VALUES (1)) given (id) ON :t.id = given.id WHEN MATCHED THEN UPDATE SET n = 6`,
  `MERGE INTO :t USING (VALUES (9)) given (id) ON :t.id = given.id WHEN MATCHED THEN DELETE`,
  'SELECT * FROM :t FOR UPDATE NOWAIT',
  'WITH moved AS (DELETE FROM :t WHERE id = 1 RETURNING *) SELECT count(*) FROM moved',
  'BEGIN; SAVEPOINT a; UPDATE :t SET n = 0; ROLLBACK TO a; COMMIT',
  'BEGIN; LOCK TABLE :t IN ACCESS EXCLUSIVE MODE; COMMIT',
  'ALTER TABLE :t ADD COLUMN more int',
  'UPDATE :t SET more = 1',
  'ALTER TABLE :t ALTER COLUMN more TYPE text USING more::text',
  'ALTER TABLE :t RENAME COLUMN more TO much',
  'CREATE INDEX ":t_i" ON :t (much)',
  'DROP INDEX ":t_i"',
  'ALTER TABLE :t DROP COLUMN much',
  'ALTER TABLE :t RENAME TO ":t_x"',
  'ALTER TABLE ":t_x" RENAME TO :t',
  'VACUUM :t',
  'TRUNCATE :t',
];

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

  /** What PostgreSQL answers to each statement: `ok`, or the code of its error. */
  async function tryAll(table: string): Promise<readonly string[]> {
    const answers: string[] = [];
    for (const statement of statements) {
      const said = await bed.sql(statement.replaceAll(':t', table)).then(
        () => 'ok',
        async (error: unknown) => {
          await bed.sql('ROLLBACK');
          return (error as pg.DatabaseError).code ?? String(error);
        },
      );
      answers.push(`${said}: ${statement}`);
    }
    return answers;
  }

  async function published(): Promise<readonly unknown[]> {
    const rows = await bed.sql(
      `SELECT r.prrelid::regclass::text AS name FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
       WHERE p.pubname = $1 AND r.prrelid <> 'banyan.signal'::regclass`,
      [bed.publication],
    );
    return rows.map(({ name }) => name);
  }

  const fits = ({ isFit }: Form): boolean => (typeof isFit === 'number' ? version < isFit : isFit);

  test.each(Object.entries(forms))('%s', async (_name, form) => {
    if (version < 180_000 && form.create.includes('VIRTUAL')) return; // the server has none
    const table = `t${Object.values(forms).indexOf(form)}`;
    // 1. Without the feed.
    await bed.sql(form.create.replaceAll(':t', `before_${table}`));
    const before = (await tryAll(`before_${table}`)).map((line) => line.replaceAll('before_', ''));
    // 2. In it, or refused by it.
    await bed.sql(form.create.replaceAll(':t', table));
    const refusal = await bed.source.ensureTables([`public.${table}`], signal).then(
      () => null,
      (error: unknown) => error,
    );
    if (!fits(form)) {
      expect(refusal).toBeInstanceOf(SourceTableError);
      expect((refusal as SourceTableError).message).toMatch(/To mend it: /);
    } else expect(refusal).toBeNull();
    expect(await published()).toEqual(fits(form) ? [table] : []);
    expect(await tryAll(table)).toEqual(before);
    expect(await published()).toEqual(fits(form) ? [table] : []);
    if (fits(form)) await expectCopy(bed, bus, `public.${table}`);
    // 3. After it.
    await bed.source.removeTables([`public.${table}`], signal);
    expect(await published()).toEqual([]);
    expect(await tryAll(table)).toEqual(before);
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
