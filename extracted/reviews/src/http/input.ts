import type { Request } from 'express';
import { z } from 'zod';
import type { PageRequest } from '../domain/paging.ts';
import { ReviewsError } from '../domain/reviews-error.ts';

/** Reviews on a page of the list, unless asked otherwise. */
const PER_PAGE = 10;
const MAX_PER_PAGE = 100;
const MAX_PAGE = 1_000_000;
const SLUG = /^[a-z0-9-]{1,120}$/;

function wholeNumber(max: number) {
  const message = `Give a whole number from 1 to ${max}.`;
  return z
    .string(message)
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .pipe(z.int(message).min(1, message).max(max, message));
}

const listQuery = z.object({
  page: wholeNumber(MAX_PAGE).default(1),
  perPage: wholeNumber(MAX_PER_PAGE).default(PER_PAGE),
});

/** The product that an address names. @throws ReviewsError `not-found` when it can be none's */
export function readSlug(request: Request): string {
  const slug = request.params['slug'];
  if (typeof slug !== 'string' || !SLUG.test(slug)) {
    throw new ReviewsError('not-found', 'There is no such product.');
  }
  return slug;
}

/** `page` and `perPage` (1 to 100, default 10) of an API's query. @throws ReviewsError `invalid-input` */
export function readListQuery(request: Request): PageRequest {
  const result = listQuery.safeParse(request.query);
  if (result.success) return { ...result.data, beyondLast: 'empty' };
  const fields: Record<string, string> = {};
  for (const issue of result.error.issues) fields[issue.path.join('.')] ??= issue.message;
  throw new ReviewsError('invalid-input', 'Some fields need another look.', fields);
}

/** `page` of a page's address: whatever is no whole number of at least 1 means the first. */
export function readPageNumber(request: Request): PageRequest {
  const page = request.query['page'];
  const asked = typeof page === 'string' && /^[1-9]\d{0,5}$/.test(page) ? Number(page) : 1;
  return { page: asked, perPage: PER_PAGE, beyondLast: 'last-page' };
}
