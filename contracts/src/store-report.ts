import { z } from 'zod';

/** One column of a service's store. */
export const storeColumnSchema = z.strictObject({
  name: z.string(),
  /** As the store names it: `INTEGER`, `character varying(120)`. Empty for a column of SQLite without a type. */
  type: z.string(),
  nullable: z.boolean(),
  hasDefault: z.boolean(),
  /** Made by the store itself from other columns; nothing can be written to it. */
  generated: z.boolean(),
});
export type StoreColumn = z.infer<typeof storeColumnSchema>;

/** One table of a service's store. */
export const storeTableSchema = z.strictObject({
  name: z.string(),
  columns: z.array(storeColumnSchema),
  /** Columns of each unique index or primary key that an upsert can go by. */
  uniqueKeys: z.array(z.array(z.string())),
  foreignKeys: z.array(
    z.strictObject({
      columns: z.array(z.string()),
      references: z.string(),
      /** True when it is checked at the end of a transaction, or can be told to be. */
      deferrable: z.boolean(),
    }),
  ),
});
export type StoreTable = z.infer<typeof storeTableSchema>;

/**
 * Answer of `GET /_banyan/store`: a service's tables that its slice maps, as they are now. A table that does not exist
 * is left out.
 */
export const storeReportSchema = z.strictObject({
  kind: z.enum(['sqlite', 'postgresql']),
  tables: z.array(storeTableSchema),
});
export type StoreReport = z.infer<typeof storeReportSchema>;
