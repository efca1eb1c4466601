import type { AskDatabase } from '../postgres/source-database.ts';
import { quoteName, type TableName } from '../../rows/table-name.ts';

/** How a publication is made: partitions are told through their root, whatever they come and go. */
export const PUBLICATION_OPTIONS = 'publish_via_partition_root = true';

/** One table of a publication. */
export interface PublishedTable extends TableName {
  readonly partitioned: boolean;
  /** With a row filter or a column list. */
  readonly narrowed: boolean;
}

/** A publication as it is now. */
export interface Publication {
  /** Its OID: another one of the same name is another publication. */
  readonly id: string;
  readonly viaRoot: boolean;
  readonly tables: readonly PublishedTable[];
}

/** The publication is not one that a feed may use. The message says how to mend it. */
export class PublicationError extends Error {
  readonly code = 'publication-unfit';
  override readonly name = 'PublicationError';
}

/**
 * Reads a publication; null when there is none of this name.
 *
 * @throws PublicationError when it publishes more than the tables that were put into it, or not all of their changes.
 */
export async function readPublication(name: string, ask: AskDatabase): Promise<Publication | null> {
  const [row] = await ask(
    `SELECT p.oid, p.puballtables AS everything, p.pubviaroot AS via_root,
       p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AS all_changes,
       EXISTS (SELECT FROM pg_catalog.pg_publication_namespace s WHERE s.pnpubid = p.oid) AS schemas
     FROM pg_catalog.pg_publication p WHERE p.pubname = $1`,
    [name],
  );
  if (!row) return null;
  if (row['everything'] === 't' || row['schemas'] === 't') {
    throw new PublicationError(
      `The publication "${name}" is ${row['everything'] === 't' ? 'FOR ALL TABLES' : 'FOR TABLES IN SCHEMA'}: it would put ` +
        'tables in the feed that nobody asked for, and make updates of those without a primary key fail. ' +
        `Let Banyan make one of its own: DROP PUBLICATION ${quoteName(name)}; or choose another PUBLICATION_NAME.`,
    );
  }
  if (row['all_changes'] !== 't') {
    throw new PublicationError(
      `The publication "${name}" leaves out some kinds of changes. To mend it: ALTER PUBLICATION ${quoteName(name)} ` +
        `SET (publish = 'insert, update, delete, truncate');`,
    );
  }
  const tables = await ask(
    `SELECT n.nspname AS schema, c.relname AS name, c.relkind = 'p' AS partitioned,
       r.prqual IS NOT NULL OR r.prattrs IS NOT NULL AS narrowed
     FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE r.prpubid = $1 ORDER BY 1, 2`,
    [row['oid']],
  );
  return {
    id: row['oid'] ?? '',
    viaRoot: row['via_root'] === 't',
    tables: tables.map((table) => ({
      schema: table['schema'] ?? '',
      table: table['name'] ?? '',
      partitioned: table['partitioned'] === 't',
      narrowed: table['narrowed'] === 't',
    })),
  };
}
