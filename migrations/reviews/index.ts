import { migrationSourceOf } from '../migration-source.ts';
import * as reviews from './0001-reviews.ts';

/** The reviews service's schema (SQLite), in order. Names are stored: never rename one. */
export const migrationSource = migrationSourceOf({
  '0001-reviews': reviews,
});
