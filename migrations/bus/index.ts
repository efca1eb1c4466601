import { migrationSourceOf } from '../migration-source.ts';
import * as log from './0001-log.ts';
import * as incarnation from './0002-incarnation.ts';
import * as groups from './0003-groups.ts';
import * as pieces from './0004-pieces.ts';

/** The embedded bus's schema, in order. Names are stored in `knex_migrations`: never rename one. */
export const migrationSource = migrationSourceOf({
  '0001-log': log,
  '0002-incarnation': incarnation,
  '0003-groups': groups,
  '0004-pieces': pieces,
});
