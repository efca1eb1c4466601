/**
 * Makes the database, its two roles and Banyan's own schema in a server that others run, and ends: what `banyan up`
 * does with its own. May run again at any time.
 */
import { readConfig, type ConfigTable } from '@banyan/kit';
import { z } from 'zod';
import { ensureDatabase, migrateBanyanSchema } from './database.ts';

const password = z.string('wanted').min(16, 'at least 16 characters');

const configTable = {
  adminUrl: {
    env: 'ADMIN_DATABASE_URL',
    schema: z.url({
      protocol: /^postgres(ql)?$/,
      error: 'wanted: postgres://user:password@host:5432/postgres',
    }),
    text: "superuser's URL of the maintenance database",
    secret: true,
  },
  shop: { env: 'SHOP_PASSWORD', schema: password, text: "password of the monolith's role", secret: true },
  banyan: { env: 'BANYAN_PASSWORD', schema: password, text: "password of Banyan's role", secret: true },
} satisfies ConfigTable;

try {
  const { adminUrl, shop, banyan } = readConfig(configTable);
  const urls = await ensureDatabase({ shop, banyan }, adminUrl);
  await migrateBanyanSchema(urls.banyan);
  console.log('the database, its roles and the schema banyan are there');
} catch (error) {
  // Of the driver's errors the message alone: others could quote the statement, which holds a password.
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
