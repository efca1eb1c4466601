import { expect, test } from '@jest/globals';
import { readListQuery, readPageNumber } from './list-query.ts';

test('a list’s page is the first of ten, unless asked otherwise', () => {
  expect(readListQuery({})).toEqual({ page: 1, perPage: 10, beyondLast: 'empty' });
  expect(readListQuery({ page: '3', perPage: '20' }, { maxPerPage: 20 })).toMatchObject({
    page: 3,
    perPage: 20,
  });
});

test('every parameter that cannot be is named', () => {
  const read = () => readListQuery({ page: ['1', '2'], perPage: '21' }, { maxPerPage: 20 });
  expect(read).toThrow(
    expect.objectContaining({
      code: 'invalid-input',
      fields: {
        page: 'Give a whole number from 1 to 1000000.',
        perPage: 'Give a whole number from 1 to 20.',
      },
    }),
  );
});

test.each([undefined, '0', '-1', 'two', ['1', '2'], '1.5'])(
  'on a page for people %j is the first',
  (page) => {
    expect(readPageNumber({ page })).toEqual({ page: 1, perPage: 10, beyondLast: 'last-page' });
  },
);
