import { migrationSourceOf } from '../migration-source.ts';
import * as catalog from './0001-catalog.ts';
import * as customers from './0002-customers.ts';
import * as carts from './0003-carts.ts';
import * as orders from './0004-orders.ts';
import * as reviews from './0005-reviews.ts';
import * as helpful from './0006-helpful.ts';

/** The shop's schema, in order. Names are stored in `knex_migrations`: never rename one. */
export const migrationSource = migrationSourceOf({
  '0001-catalog': catalog,
  '0002-customers': customers,
  '0003-carts': carts,
  '0004-orders': orders,
  '0005-reviews': reviews,
  '0006-helpful': helpful,
});
