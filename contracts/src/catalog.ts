import { z } from 'zod';

/** Kinds of values that types of PostgreSQL have; `other` is an enum, a domain, an extension's type. */
export const valueKinds = [
  'integer',
  'decimal',
  'float',
  'text',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'boolean',
  'bytes',
  'json',
  'jsonb',
  'formed',
  'array',
  'other',
] as const;
export type ValueKind = (typeof valueKinds)[number];

/** One column of the monolith, and the types that keep its values whole in a service's store. */
export const catalogColumnSchema = z.strictObject({
  name: z.string(),
  /** As `format_type` prints it, e.g. `character varying(120)`. */
  type: z.string(),
  kind: z.enum(valueKinds),
  notNull: z.boolean(),
  /** The type that a copy of it can have in each kind of store. */
  stores: z.strictObject({ sqlite: z.string(), postgres: z.string() }),
  /** Why it cannot be copied; null when it can. */
  problem: z.string().nullable(),
});
export type CatalogColumn = z.infer<typeof catalogColumnSchema>;

export const catalogTableSchema = z.strictObject({
  /** `schema.table`. */
  name: z.string(),
  /** Primary key columns, in key order. */
  key: z.array(z.string()),
  columns: z.array(catalogColumnSchema),
  /** Planner's estimate. */
  estimatedRows: z.number(),
});
export type CatalogTable = z.infer<typeof catalogTableSchema>;

/** Answer of `GET /v1/catalog?tables=public.orders,public.items`: what a slice could copy. */
export const catalogResponseSchema = z.strictObject({
  schema_version: z.literal(1),
  /** Those that can be copied, in the order asked for. */
  tables: z.array(catalogTableSchema),
  /** Why others cannot: a line each, with what mends it. */
  problems: z.array(z.string()),
});
export type CatalogResponse = z.infer<typeof catalogResponseSchema>;

const MOST_TABLES = 100;

/** Query of `GET /v1/catalog`. */
export const catalogQuerySchema = z.strictObject({
  tables: z
    .string('tables, joined by commas, e.g. public.orders,public.items')
    .transform((text) => [...new Set(text.split(',').map((name) => name.trim()))])
    .pipe(z.array(z.string().min(1, 'a table without a name')).max(MOST_TABLES)),
});
