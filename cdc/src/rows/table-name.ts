/** A table's schema and name, as they are: no quotes, no folding of case. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/**
 * Splits `schema.table`, each as it is: `public.Größe`, not `public."Größe"`.
 *
 * @throws RangeError when the name has another form; a point inside a name cannot be told from the one between the two.
 */
export function splitTableName(name: string): TableName {
  const [schema, table, ...rest] = name.split('.');
  if (!schema || !table || rest.length > 0) {
    throw new RangeError(
      `A table is named schema.table, with exactly one point, got ${JSON.stringify(name)}.`,
    );
  }
  return { schema, table };
}

/** An SQL identifier, quoted. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `"schema"."table"`. */
export function quoteParts({ schema, table }: TableName): string {
  return `${quoteName(schema)}.${quoteName(table)}`;
}

/** `"schema"."table"` of `schema.table`. @throws RangeError as `splitTableName`. */
export function quoteTable(name: string): string {
  return quoteParts(splitTableName(name));
}
