/**
 * Makes the database, its two roles and Banyan's own schema in a server that others run, and ends: what `banyan up`
 * does with its own. With SOURCE_URL the schema alone. May run again at any time.
 */
import { readConfig, type ConfigTable } from '@banyan/kit';
import { z } from 'zod';
import { ensureDatabase, migrateBanyanSchema } from './database.ts';

const password = z.string('wanted').min(16, 'at least 16 characters');

const prepareConfigTable = {
  adminUrl: {
    env: 'ADMIN_DATABASE_URL',
    schema: z.url({
      protocol: /^postgres(ql)?$/,
      error: 'wanted: postgres://user:password@host:5432/postgres',
    }),
    text: "superuser's URL of the maintenance database",
    secret: true,
  },
  name: {
    env: 'DATABASE_NAME',
    schema: z.string('wanted').regex(/^[a-z_][a-z0-9_]*$/, 'lower-case letters, digits and _'),
    text: "name of the monolith's database and of its role",
  },
  monolith: {
    env: 'MONOLITH_PASSWORD',
    schema: password,
    text: "password of the monolith's role",
    secret: true,
  },
  banyan: { env: 'BANYAN_PASSWORD', schema: password, text: "password of Banyan's role", secret: true },
} satisfies ConfigTable;

const ownTable = {
  sourceUrl: {
    env: 'SOURCE_URL',
    schema: z.url({ protocol: /^postgres(ql)?$/, error: 'wanted: postgres://user:password@host:5432/name' }),
    text: "a database that is there already: Banyan's schema is made in it, and nothing else",
    secret: true,
  },
} satisfies ConfigTable;

async function prepare(env: NodeJS.ProcessEnv): Promise<string> {
  if (env['SOURCE_URL'] || env['SOURCE_URL_FILE']) return readConfig(ownTable, env).sourceUrl;
  const { adminUrl, name, monolith, banyan } = readConfig(prepareConfigTable, env);
  return (await ensureDatabase({ passwords: { monolith, banyan }, adminUrl, name })).banyan;
}

try {
  await migrateBanyanSchema(await prepare(process.env));
  console.log('the database, its roles and the schema banyan are there');
} catch (error) {
  // Of the driver's errors the message alone: others could quote the statement, which holds a password.
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
