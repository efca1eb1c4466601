import type { SliceDefinition } from '@banyan/contracts';
import type { Operation } from './openapi.ts';
import type { Route } from './route.ts';

const PATH = /^(\/(:[A-Za-z_]\w*|[^/:*?#\s{}]+))+$/;

const segmentsOf = (path: string): string[] => path.split('/').slice(1);
const isOwnApi = (path: string): boolean => path.startsWith('/v1/');
const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'> | Operation): string => `${method} ${path}`;

/** Whether the proxy may send requests of this route: one of the slice's patterns covers it. */
function isCovered({ method, path }: Route, slice: SliceDefinition): boolean {
  return slice.routes.some((pattern) => {
    if (pattern.methods && !pattern.methods.includes(method)) return false;
    const wanted = segmentsOf(pattern.path);
    const own = segmentsOf(path);
    const open = wanted.at(-1) === '*';
    if (open ? own.length < wanted.length : own.length !== wanted.length) return false;
    return wanted.every((segment, i) => segment === '*' || segment.startsWith(':') || segment === own[i]);
  });
}

/** What is wrong with one route by itself. */
function* faultsOf(
  route: Route,
  { slice, hasPages }: Pick<CheckedService, 'slice' | 'hasPages'>,
): Generator<string> {
  const { path, kind, handle, method } = route;
  const name = nameOf(route);
  if (!PATH.test(path)) yield `${name}: a path has literal and :name segments, e.g. /products/:slug/stock`;
  if (!isOwnApi(path) && !isCovered(route, slice)) {
    yield `${name}: outside of the slice's routes, so the proxy sends nothing there; name it in slice.ts, or put it below /v1`;
  }
  if (kind === 'page' && !hasPages) yield `${name}: a page, and the service has no pages; give face.pages`;
  const owned = slice.tables.find((table) => table.kind === 'owned');
  if (method !== 'GET' && handle && owned) {
    yield `${name}: ${owned.source} is written by the monolith and copied, so a change here would be lost; leave the handler out`;
  }
}

export interface CheckedService {
  readonly slice: SliceDefinition;
  readonly routes: readonly Route[];
  /** Of its OpenAPI file. */
  readonly operations: readonly Operation[];
  readonly hasPages: boolean;
}

/** What does not fit between a service's routes, its slice and its contract; each problem names the route. */
export function checkRoutes({ slice, routes, operations, hasPages }: CheckedService): readonly string[] {
  const names = routes.map(nameOf);
  const promised = new Set(operations.map(nameOf));
  // Pages are for people: a contract need not tell of them, nor of the forms on them.
  const pagePaths = new Set(routes.filter(({ kind }) => kind === 'page').map(({ path }) => path));
  return [
    ...routes.flatMap((route) => [...faultsOf(route, { slice, hasPages })]),
    ...names
      .filter((name, i) => names.indexOf(name) !== i)
      .map((name) => `${name}: two routes for the same requests`),
    ...routes
      .filter((route) => !pagePaths.has(route.path) && !promised.has(nameOf(route)))
      .map((route) => `${nameOf(route)}: not in the OpenAPI file`),
    ...operations
      .filter((operation) => !names.includes(nameOf(operation)))
      .map((operation) => `${nameOf(operation)}: in the OpenAPI file, and no route takes it`),
  ];
}
