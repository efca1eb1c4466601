import { migrateSqlite, openSqliteFile } from '@banyan/kit/sqlite';
import { migrationSource } from '../../migrations/control/index.ts';
import type { SliceStore } from './slices/store/slice-store.ts';
import { SqliteSlices } from './slices/store/sqlite-slices.ts';
import { createSqliteVerifications } from './verification/sqlite-verifications.ts';
import type { VerificationStore } from './verification/verification-store.ts';

/** All that the control plane keeps. */
export type ControlStore = SliceStore & { readonly verifications: VerificationStore };

/**
 * Opens the control plane's store: one SQLite file (WAL, every commit on the disk before it counts). Several
 * processes may hold it; who steps on an older epoch is refused.
 *
 * @param options.file Path; created with its schema when missing. Its folder must exist.
 */
export async function openSqliteStore(options: {
  readonly file: string;
  readonly signal?: AbortSignal;
}): Promise<ControlStore> {
  const knex = await openSqliteFile(options);
  try {
    await migrateSqlite(knex, migrationSource);
    return Object.assign(new SqliteSlices(knex), { verifications: createSqliteVerifications(knex) });
  } catch (cause) {
    await knex.destroy();
    throw cause;
  }
}
