import { createTestDatabase } from '@banyan/postgres';
import createKnex, { type Knex } from 'knex';

/** The target of `notesSlice` on PostgreSQL; see `notesSchema`. */
const postgresNotesSchema = [
  `CREATE TABLE note (
    note_id bigint PRIMARY KEY, headline text NOT NULL UNIQUE, text text NOT NULL, big bigint, done boolean,
    tags json, score double precision, writes integer NOT NULL DEFAULT 1)`,
  `CREATE FUNCTION count_write() RETURNS trigger LANGUAGE plpgsql AS
   'BEGIN new.writes := old.writes + 1; RETURN new; END'`,
  `CREATE TRIGGER note_write BEFORE UPDATE OF text ON note FOR EACH ROW EXECUTE FUNCTION count_write()`,
];

/** A connection pool to a PostgreSQL store. */
export function openPostgresStore(url: string): Knex {
  return createKnex({ client: 'pg', connection: url, pool: { min: 0, max: 4 } });
}

/** A database of its own with the table `note`. `close` drops it. */
export async function openPostgresNotes(
  label: string,
): Promise<{ readonly url: string; readonly knex: Knex; close(): Promise<void> }> {
  const database = await createTestDatabase(label);
  const knex = openPostgresStore(database.url);
  for (const statement of postgresNotesSchema) await knex.raw(statement);
  return {
    url: database.url,
    knex,
    async close() {
      await knex.destroy();
      await database.drop();
    },
  };
}
