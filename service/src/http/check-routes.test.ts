import { expect, test } from '@jest/globals';
import { defineSlice } from '@banyan/contracts';
import { checkRoutes } from './check-routes.ts';
import { get, page, post, view, type Route } from './route.ts';

const slice = defineSlice({
  name: 'notes',
  title: 'Notes',
  routes: [{ path: '/notes/:id', methods: ['GET'] }, { path: '/api/notes/*' }],
  tables: [{ source: 'public.notes', target: 'note', kind: 'owned', key: ['id'], columns: { id: 'id' } }],
});
const nothing = () => null;
const check = (
  routes: readonly Route[],
  operations = routes as readonly { method: string; path: string }[],
) => checkRoutes({ slice, routes, operations, hasPages: true });

test('routes that the slice covers, or that stand below /v1, and that the contract has, are fine', () => {
  expect(
    check([
      get('/api/notes/:id/tags', nothing),
      post('/api/notes/:id'),
      get('/v1/notes', nothing),
      page('/notes/:id', () => view('note', {})),
    ]),
  ).toEqual([]);
});

test.each([
  [[get('/api/notes', nothing)], 'GET /api/notes: outside of the slice'],
  [[get('/v1', nothing)], 'GET /v1: outside of the slice'],
  [[post('/notes/:id')], 'POST /notes/:id: outside of the slice'],
  [[get('/notes/1/tags', nothing)], 'GET /notes/1/tags: outside of the slice'],
  [[get('/api/notes/{id}', nothing)], 'GET /api/notes/{id}: a path has literal'],
  [[post('/api/notes/:id', nothing)], 'POST /api/notes/:id: public.notes is written by the monolith'],
  [[get('/v1/notes', nothing), get('/v1/notes', nothing)], 'GET /v1/notes: two routes'],
])('%j is refused: %s', (routes, problem) => {
  expect(check(routes)).toEqual([expect.stringContaining(problem)]);
});

test('a page without pages is refused; a contract may leave pages and their forms out', () => {
  const routes = [page('/notes/:id', () => view('note', {}))];
  expect(checkRoutes({ slice, routes, operations: [], hasPages: false })).toEqual([
    expect.stringContaining('GET /notes/:id: a page, and the service has no pages'),
  ]);
  expect(check(routes, [])).toEqual([]);
});

test('an operation with another parameter name is another operation', () => {
  expect(check([get('/v1/notes/:id', nothing)], [{ method: 'GET', path: '/v1/notes/:note' }])).toEqual([
    'GET /v1/notes/:id: not in the OpenAPI file',
    'GET /v1/notes/:note: in the OpenAPI file, and no route takes it',
  ]);
});
