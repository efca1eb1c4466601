/** The page of a list that somebody asks for. */
export interface PageRequest {
  /** Counted from 1. */
  readonly page: number;
  readonly perPage: number;
  /** What a page beyond the last one means: the last one, or an empty list. */
  readonly beyondLast: 'last-page' | 'empty';
}

/** A page with its place in the list. `pages` is at least 1. */
export interface Paging {
  readonly page: number;
  readonly perPage: number;
  readonly pages: number;
  readonly offset: number;
}

/** @param count how many entries the whole list has. */
export function paginate(asked: PageRequest, count: number): Paging {
  const { perPage } = asked;
  const pages = Math.max(1, Math.ceil(count / perPage));
  const page = asked.beyondLast === 'last-page' ? Math.min(asked.page, pages) : asked.page;
  return { page, perPage, pages, offset: (page - 1) * perPage };
}
