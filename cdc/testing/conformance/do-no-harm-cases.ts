/** Forms of tables, and what an application does to them: tried without a feed, in it, and after it. */
import type { DatabaseError } from 'pg';

export interface Form {
  /** `:t` is the table's name. */
  readonly create: string;
  /** Whether the feed takes it; a number is the first version (`server_version_num`) that refuses it. */
  readonly isFit: boolean | number;
}

const generated = 'total int GENERATED ALWAYS AS (n * 2) STORED';

export const forms: Readonly<Record<string, Form>> = {
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
export const statements = [
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

/** Whether a server of that version has the form at all. */
export function isKnownTo(version: number, form: Form): boolean {
  return version >= 180_000 || !form.create.includes('VIRTUAL');
}

/** @param version `server_version_num`. */
export function isFitOn(version: number, { isFit }: Form): boolean {
  return typeof isFit === 'number' ? version < isFit : isFit;
}

type RunSql = (text: string) => Promise<unknown>;

/** What PostgreSQL answers to each statement: `ok`, or the code of its error. */
export async function tryAll(sql: RunSql, table: string): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const statement of statements) {
    const said = await sql(statement.replaceAll(':t', table)).then(
      () => 'ok',
      async (error: unknown) => {
        await sql('ROLLBACK');
        return (error as DatabaseError).code ?? String(error);
      },
    );
    answers.push(`${said}: ${statement}`);
  }
  return answers;
}
