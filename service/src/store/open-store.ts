import { ConfigError, type Logger } from '@banyan/kit';
import type { Knex } from 'knex';
import { openPostgresStore } from './postgres-store.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { OpenStore, StoreKind } from './store.ts';

export interface OpenStoreOptions {
  /** One of the two. */
  readonly settings: { readonly storeFile?: string | undefined; readonly storeUrl?: string | undefined };
  readonly migrations: Partial<Record<StoreKind, Knex.MigrationSource<string>>>;
  /** The slice's name, for texts. */
  readonly slice: string;
  readonly log: Logger;
}

/**
 * Opens the store that the settings name, and brings its schema up to date. Killed at any moment it opens again.
 *
 * @throws ConfigError when the settings name none that there are migrations for; the driver's error when it cannot be opened
 */
export async function openStore({ settings, migrations, slice, log }: OpenStoreOptions): Promise<OpenStore> {
  const { storeFile, storeUrl } = settings;
  if (storeFile !== undefined && migrations.sqlite) {
    return await openSqliteStore({ file: storeFile, migrationSource: migrations.sqlite, slice, log });
  }
  if (storeUrl !== undefined && migrations.postgres) {
    return await openPostgresStore({ url: storeUrl, migrationSource: migrations.postgres, slice });
  }
  const wanted = [migrations.sqlite && 'STORE_FILE', migrations.postgres && 'STORE_URL'].filter(Boolean);
  throw new ConfigError([`${wanted.join(' or ')}: wanted for the store of ${slice}; it is not set`]);
}
