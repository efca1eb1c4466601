import { migrationSourceOf } from '../migration-source.ts';
import * as slices from './0001-slices.ts';
import * as verifications from './0002-verifications.ts';

/** The control plane's store, in order. Names are stored in `knex_migrations`: never rename one. */
export const migrationSource = migrationSourceOf({
  '0001-slices': slices,
  '0002-verifications': verifications,
});
