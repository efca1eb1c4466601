import type { AskDatabase } from '../postgres/source-database.ts';
import type { TableName } from '../../rows/table-name.ts';

/** A published table, with all that decides whether PostgreSQL lets the application update and delete its rows. */
export interface WriteConditions extends TableName {
  readonly partitioned: boolean;
  /** A digest: while it is the same, the answer is. */
  readonly conditions: string;
}

/**
 * Reads catalogs only, so that a look a second takes no lock of any table: of each relation below a published one its
 * replica identity, indexes and generated columns, and of every publication what it carries.
 */
export async function readWriteConditions(
  publication: string,
  ask: AskDatabase,
): Promise<readonly WriteConditions[]> {
  const rows = await ask(
    `WITH published AS (
       SELECT c.oid AS root, n.nspname, c.relname, c.relkind FROM pg_catalog.pg_publication p
       JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE p.pubname = $1),
     relation AS (
       SELECT root, root AS oid FROM published
       UNION SELECT root, tree.relid FROM published, pg_catalog.pg_partition_tree(root) tree),
     described AS (
       SELECT relation.root, string_agg(concat_ws(' ', c.oid, c.relreplident, c.relkind,
         (SELECT string_agg(concat_ws(',', i.indexrelid, i.indisvalid, i.indimmediate, i.indisreplident, i.indisprimary,
            i.indkey), ';' ORDER BY i.indexrelid) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid),
         (SELECT string_agg(a.attnum || a.attgenerated::text, ',' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = c.oid AND a.attgenerated <> ''),
         (SELECT string_agg(concat_ws(',', r.oid, r.xmin), ';' ORDER BY r.oid) FROM pg_catalog.pg_publication_rel r
          WHERE r.prrelid = c.oid)), '|' ORDER BY c.oid) AS text
       FROM relation JOIN pg_catalog.pg_class c ON c.oid = relation.oid GROUP BY relation.root)
     SELECT nspname AS schema, relname AS name, relkind = 'p' AS partitioned, md5(concat_ws('|', described.text,
       (SELECT string_agg(concat_ws(',', p.oid, p.xmin), ';' ORDER BY p.oid) FROM pg_catalog.pg_publication p),
       (SELECT string_agg(concat_ws(',', s.oid, s.xmin), ';' ORDER BY s.oid)
        FROM pg_catalog.pg_publication_namespace s))) AS conditions
     FROM published JOIN described USING (root) ORDER BY 1, 2`,
    [publication],
  );
  return rows.map((row) => ({
    schema: row['schema'] ?? '',
    table: row['name'] ?? '',
    partitioned: row['partitioned'] === 't',
    conditions: row['conditions'] ?? '',
  }));
}
