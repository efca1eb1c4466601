import { z } from 'zod';
import type { PageRequest } from './paging.ts';
import { Refusal } from './refusal.ts';

/** A request's query, as it came: a parameter given twice is a list. */
export type Query = Readonly<Record<string, unknown>>;

const MAX_PAGE = 1_000_000;

/** A whole number from 1 to `max` in a query. */
export function wholeNumber(max: number): z.ZodType<number, string> {
  const message = `Give a whole number from 1 to ${max}.`;
  return z
    .string(message)
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .pipe(z.int(message).min(1, message).max(max, message));
}

/** Reads a query by a schema. @throws Refusal `invalid-input` that names every parameter that cannot be */
export function readQuery<T>(schema: z.ZodType<T>, query: Query): T {
  const result = schema.safeParse(query);
  if (result.success) return result.data;
  const fields: Record<string, string> = {};
  for (const issue of result.error.issues) fields[issue.path.join('.')] ??= issue.message;
  throw new Refusal('invalid-input', 'Some fields need another look.', fields);
}

/**
 * `page` and `perPage` of an API's list. A page beyond the last one is empty.
 *
 * @param options.perPage entries on a page, unless asked otherwise. Default 10.
 * @param options.maxPerPage most that may be asked for. Default 100.
 * @throws Refusal `invalid-input`
 */
export function readListQuery(
  query: Query,
  { perPage = 10, maxPerPage = 100 }: { readonly perPage?: number; readonly maxPerPage?: number } = {},
): PageRequest {
  const schema = z.object({
    page: wholeNumber(MAX_PAGE).default(1),
    perPage: wholeNumber(maxPerPage).default(perPage),
  });
  return { ...readQuery(schema, query), beyondLast: 'empty' };
}

/**
 * `page` of the address of a page for people: whatever is no whole number of at least 1 means the first, and a page
 * beyond the last one the last.
 */
export function readPageNumber(query: Query, perPage = 10): PageRequest {
  const page = query['page'];
  const asked = typeof page === 'string' && /^[1-9]\d{0,5}$/.test(page) ? Number(page) : 1;
  return { page: asked, perPage, beyondLast: 'last-page' };
}
