import knex from 'knex';
import pg from 'pg';
import { migrateBanyan } from '../../../migrations/banyan/index.ts';

/** URLs of the monolith's database, by who uses it. All hold passwords: never log them. */
export interface DatabaseUrls {
  /** The monolith: owns its tables, nothing more. */
  readonly monolith: string;
  /** Banyan: may replicate, and is a member of the tables' owner, since a publication's tables must be one's own. */
  readonly banyan: string;
}

/** Passwords of the two roles. */
export interface DatabasePasswords {
  readonly monolith: string;
  readonly banyan: string;
}

async function ensureRole(client: pg.Client, role: string, options: string, password: string): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
  const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
  await client.query(
    `${verb} ROLE ${pg.escapeIdentifier(role)} ${options} PASSWORD ${pg.escapeLiteral(password)}`,
  );
}

/**
 * Makes the monolith's database and its two roles in a server of our own, where they are missing; sets their passwords.
 *
 * @param options.adminUrl Superuser's URL.
 * @param options.name Name of the database and of the monolith's role: lower-case letters, digits and _.
 */
export async function ensureDatabase(options: {
  readonly passwords: DatabasePasswords;
  readonly adminUrl: string;
  readonly name: string;
}): Promise<DatabaseUrls> {
  const { passwords, adminUrl, name } = options;
  const client = new pg.Client({
    connectionString: adminUrl,
    connectionTimeoutMillis: 5_000,
    query_timeout: 20_000,
  });
  await client.connect();
  try {
    const owner = pg.escapeIdentifier(name);
    await ensureRole(client, name, 'LOGIN', passwords.monolith);
    await ensureRole(client, 'banyan', 'LOGIN REPLICATION', passwords.banyan);
    await client.query(`GRANT ${owner} TO banyan`);
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${owner} OWNER ${owner}`);
    await client.query(`GRANT CREATE ON DATABASE ${owner} TO banyan`);
  } finally {
    await client.end();
  }
  const urlFor = (role: string, password: string): string => {
    const url = new URL(adminUrl);
    url.username = role;
    url.password = password;
    url.pathname = `/${name}`;
    return url.href;
  };
  return { monolith: urlFor(name, passwords.monolith), banyan: urlFor('banyan', passwords.banyan) };
}

/**
 * What `migrateBanyanSchema` would do, statement by statement; none when nothing is left to do. It is done, and rolled
 * back: what fails then would have failed.
 */
export async function planBanyanSchema(url: string): Promise<readonly string[]> {
  const database = knex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } });
  const statements: string[] = [];
  const rolledBack = new Error('rolled back');
  try {
    await database.transaction(async (transaction) => {
      transaction.on('query', ({ sql }: { readonly sql: string }) => {
        if (/^\s*(create|alter|drop|comment|grant)\b/i.test(sql))
          statements.push(sql.replaceAll(/\s+/g, ' ').trim());
      });
      await migrateBanyan(transaction);
      throw rolledBack;
    });
  } catch (error) {
    if (error !== rolledBack) throw error;
  } finally {
    await database.destroy();
  }
  return statements;
}

/** Makes Banyan's own schema in the monolith's database, apart from the monolith's tables. Idempotent. */
export async function migrateBanyanSchema(url: string): Promise<void> {
  const database = knex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } });
  try {
    await migrateBanyan(database);
  } finally {
    await database.destroy();
  }
}
