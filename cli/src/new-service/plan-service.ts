import {
  unknownName,
  type CatalogResponse,
  type CatalogTable,
  type SliceDefinition,
} from '@banyan/contracts';
import { looksPersonal } from './looks-personal.ts';
import type { PlannedColumn, PlannedRoute, PlannedTable, ServicePlan, StoreKind } from './service-plan.ts';

/** What somebody asks for. */
export interface ServiceOrder {
  readonly name: string;
  /** Default: the name in words. */
  readonly title?: string | undefined;
  /** `schema.table` each. */
  readonly tables: readonly string[];
  readonly routes: readonly string[];
  /** The columns to copy, by table; those of the key are copied anyway. */
  readonly columns: ReadonlyMap<string, readonly string[]>;
  /** Tables whose ownership moves with the slice. */
  readonly owned: readonly string[];
  readonly store: StoreKind;
}

/** `stock-watch` as `StockWatch`. */
const pascalCase = (words: string): string =>
  words.replaceAll(/[^A-Za-z0-9]*([A-Za-z0-9]+)/g, (_all, word: string) =>
    word.charAt(0).toUpperCase().concat(word.slice(1)),
  );

/** What is made of an order, and every reason why it cannot be; what the slice's definition has against it comes later. */
export function planService(
  order: ServiceOrder,
  catalog: CatalogResponse,
): { readonly plan: ServicePlan; readonly problems: readonly string[] } {
  const { name, store } = order;
  const pascal = pascalCase(name);
  const plan: ServicePlan = {
    name,
    camel: pascal.charAt(0).toLowerCase() + pascal.slice(1),
    pascal,
    title: order.title ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll('-', ' '),
    store,
    tables: planTables(order, catalog.tables),
    routes: planRoutes(order.routes),
  };
  const problems = [
    ...catalog.problems,
    ...strangers(order),
    ...catalog.tables.flatMap((table) => columnProblems(table, order.columns.get(table.name) ?? [])),
    ...order.routes.flatMap(routeProblems),
  ];
  return { plan, problems };
}

/** Options about tables that nobody asked for. */
function strangers({ tables, columns, owned }: ServiceOrder): readonly string[] {
  const named = [
    ...[...columns.keys()].map((table) => ['--columns', table] as const),
    ...owned.map((table) => ['--owned', table] as const),
  ];
  return named
    .filter(([, table]) => !tables.includes(table))
    .map(([option, table]) => `${option}: not one of --tables: ${unknownName(table, tables)}`);
}

function columnProblems(table: CatalogTable, wanted: readonly string[]): readonly string[] {
  const names = table.columns.map((column) => column.name);
  if (wanted.length === 0) {
    return [`${table.name}: say which columns it needs: --columns ${table.name}:${names.join(',')}`];
  }
  return [
    ...wanted
      .filter((column) => !names.includes(column))
      .map((column) => `${table.name}: ${unknownName(column, names)}`),
    ...table.columns.flatMap(({ name, type, problem }) =>
      wanted.includes(name) && problem !== null ? [`${table.name}.${name} (${type}): ${problem}`] : [],
    ),
  ];
}

function routeProblems(path: string): readonly string[] {
  if (path.endsWith('*')) return [`--routes: ${path}: nothing can be made of a *; name each route`];
  if (path === '/v1' || path.startsWith('/v1/')) {
    return [`--routes: ${path}: below /v1 is the service's own API, which no slice moves`];
  }
  return /[{}]/.test(path) ? [`--routes: ${path}: write :name, not {name}`] : [];
}

/** The slice's definition, as its file will have it. */
export const sliceOf = ({ name, title, routes, tables }: ServicePlan): SliceDefinition => ({
  name,
  title,
  routes: routes.map(({ path }) => ({ path })),
  tables: tables.map(({ source, target, kind, key, columns }) => ({
    source,
    target,
    kind,
    key,
    columns: Object.fromEntries(columns.map((column) => [column.name, column.target])),
  })),
});

function planTables(order: ServiceOrder, tables: readonly CatalogTable[]): readonly PlannedTable[] {
  const taken: string[] = [];
  return tables.map((table) => {
    const [schema = '', bare = ''] = table.name.split('.');
    const isTaken = tables.filter(({ name }) => name.endsWith(`.${bare}`)).length > 1;
    const target = unused(identifier(isTaken ? `${schema}_${bare}` : bare), taken);
    return {
      source: table.name,
      target,
      kind: order.owned.includes(table.name) ? 'owned' : 'reference',
      key: table.key,
      columns: planColumns(table, order.columns.get(table.name) ?? []),
    };
  });
}

function planColumns(table: CatalogTable, wanted: readonly string[]): readonly PlannedColumn[] {
  const taken: string[] = [];
  return table.columns
    .filter(({ name }) => wanted.includes(name) || table.key.includes(name))
    .map((column) => {
      const isKey = table.key.includes(column.name);
      const isPersonal = !isKey && looksPersonal(table.name, column.name);
      return { ...column, target: unused(identifier(column.name), taken), isKey, isPersonal };
    });
}

/** A name that needs no thought in SQL and in code. */
const identifier = (name: string): string => {
  const plain = name.replaceAll(/[^A-Za-z0-9_]/g, '_');
  return /^[A-Za-z_]/.test(plain) ? plain : `_${plain}`;
};

/** The name, with a number behind it when it is taken; names that differ by case alone are one to SQLite. */
function unused(name: string, taken: string[]): string {
  const isTaken = (each: string): boolean => taken.includes(each.toLowerCase());
  let free = name;
  for (let n = 2; isTaken(free); n += 1) free = `${name}_${n}`;
  taken.push(free.toLowerCase());
  return free;
}

function planRoutes(paths: readonly string[]): readonly PlannedRoute[] {
  const taken: string[] = [];
  return paths.map((path) => {
    const segments = path.split('/').filter((segment) => segment !== '');
    const params = segments
      .filter((segment) => segment.startsWith(':'))
      .map((segment) => segment.slice(1).replaceAll(/\W/g, '_'));
    const last = segments.findLast((segment) => !segment.startsWith(':')) ?? 'root';
    const noun = unused(pascalCase(identifier(last)) || 'Root', taken);
    return { path, params, finder: `find${noun}`, answer: `${noun}Answer` };
  });
}
