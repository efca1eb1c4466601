import { expect, test } from '@jest/globals';
import { paginate } from './paging.ts';

test('an empty list has one page', () => {
  expect(paginate({ page: 1, perPage: 10, beyondLast: 'last-page' }, 0)).toEqual({
    page: 1,
    perPage: 10,
    pages: 1,
    offset: 0,
  });
});

test('a full last page is the last page', () => {
  expect(paginate({ page: 2, perPage: 10, beyondLast: 'empty' }, 20)).toMatchObject({ pages: 2, offset: 10 });
  expect(paginate({ page: 2, perPage: 10, beyondLast: 'empty' }, 21)).toMatchObject({ pages: 3 });
});

test('a page beyond the last is the last one on a website, and stays what was asked for in an API', () => {
  const asked = { page: 9, perPage: 10 };
  expect(paginate({ ...asked, beyondLast: 'last-page' }, 25)).toMatchObject({ page: 3, offset: 20 });
  expect(paginate({ ...asked, beyondLast: 'empty' }, 25)).toMatchObject({ page: 9, pages: 3, offset: 80 });
});
