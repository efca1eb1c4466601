import { z } from 'zod';
import { wholeNumber } from './input.ts';

/** One page of a list. `page` counts from 1; `pages` is at least 1. */
export interface Paging {
  readonly page: number;
  readonly perPage: number;
  readonly pages: number;
  readonly offset: number;
}

interface PagingRequest {
  readonly page: number;
  readonly perPage: number;
  readonly count: number;
}

const MAX_PAGE = 1_000_000;

/** The page asked for in an address line: whatever is no whole number of at least 1 means the first. */
export function readPage(value: unknown): number {
  return typeof value === 'string' && /^[1-9]\d{0,5}$/.test(value) ? Number(value) : 1;
}

/** Numbers for a page as asked, even when it lies beyond the last one. */
export function paginate({ page, perPage, count }: PagingRequest): Paging {
  const pages = Math.max(1, Math.ceil(count / perPage));
  return { page, perPage, pages, offset: (page - 1) * perPage };
}

/** Numbers for a page of a website: a page beyond the last means the last. */
export function paginateClamped({ page, perPage, count }: PagingRequest): Paging {
  const pages = Math.max(1, Math.ceil(count / perPage));
  return paginate({ page: Math.min(page, pages), perPage, count });
}

/** `page` (default 1) and `perPage` (1 to 100, default as given) of an API's query. */
export function pagingQuery(defaultPerPage: number) {
  return z.object({
    page: wholeNumber(1, MAX_PAGE, `Give a whole number from 1 to ${MAX_PAGE}.`).default(1),
    perPage: wholeNumber(1, 100, 'Give a whole number from 1 to 100.').default(defaultPerPage),
  });
}
