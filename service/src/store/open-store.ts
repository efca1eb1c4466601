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
 * @throws ConfigError when the settings name none that there are migrations for; StoreUnopenableError
 */
export async function openStore({ settings, migrations, slice, log }: OpenStoreOptions): Promise<OpenStore> {
  const { storeFile, storeUrl } = settings;
  if (storeFile !== undefined && migrations.sqlite) {
    const opening = openSqliteStore({ file: storeFile, migrationSource: migrations.sqlite, slice, log });
    return await opening.catch(refuse(slice, `STORE_FILE=${storeFile}`));
  }
  if (storeUrl !== undefined && migrations.postgres) {
    const opening = openPostgresStore({ url: storeUrl, migrationSource: migrations.postgres, slice });
    // Host and database alone: the address may hold a password.
    const { host, pathname } = new URL(storeUrl);
    return await opening.catch(refuse(slice, `STORE_URL, ${host}${pathname}`));
  }
  const wanted = [migrations.sqlite && 'STORE_FILE', migrations.postgres && 'STORE_URL'].filter(Boolean);
  throw new ConfigError([`${wanted.join(' or ')}: wanted for the store of ${slice}; it is not set`]);
}

/** A store that is not to be had: no such folder, no server there, a schema that cannot be brought up to date. */
export class StoreUnopenableError extends Error {
  readonly code = 'store-unopenable';
  override readonly name = 'StoreUnopenableError';
}

function refuse(slice: string, where: string): (cause: unknown) => never {
  return (cause) => {
    // Refused at several addresses of one name, the driver's error has a code and no message.
    const { message, code } = cause as { readonly message?: string; readonly code?: string };
    const why = [message, code].find((text) => text) ?? String(cause);
    throw new StoreUnopenableError(`The store of ${slice} (${where}) cannot be opened: ${why}`, { cause });
  };
}
