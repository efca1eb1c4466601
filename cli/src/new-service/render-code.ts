import { fileOf, fits, literal } from './code-text.ts';
import { OPEN_MARK, type PlannedRoute, type ServicePlan } from './service-plan.ts';

/** `{ slug }: { readonly slug: string }`, or nothing for a path without parameters. */
const paramsOf = ({ params }: PlannedRoute): string =>
  params.length === 0
    ? ''
    : `{ ${params.join(', ')} }: { ${params.map((name) => `readonly ${name}: string`).join('; ')} }`;

const answerLines = ({ path, answer }: PlannedRoute): readonly string[] => [
  `/** What \`GET ${path}\` answers. */`,
  `export interface ${answer} {`,
  `  // ${OPEN_MARK}: its fields, as the contract has them`,
  '  readonly [field: string]: unknown;',
  '}',
  '',
];

function finderLines(route: PlannedRoute): readonly string[] {
  const { path, finder, answer, params } = route;
  const atHand = ['readers', ...params].join(', ');
  const head = `    ${finder}: (${paramsOf(route)}): Promise<${answer} | undefined> =>`;
  return [
    `    /** For \`GET ${path}\`. Undefined: there is no such thing (404). */`,
    `    // ${OPEN_MARK}: the query, e.g. readers('table').where({ ... }).first<${answer} | undefined>('column')`,
    ...(fits(head)
      ? [head]
      : [
          `    ${finder}: ({`,
          ...params.map((name) => `      ${name},`),
          '    }: {',
          ...params.map((name) => `      readonly ${name}: string;`),
          `    }): Promise<${answer} | undefined> =>`,
        ]),
    `      notWritten(${literal(finder)}, { ${atHand} }),`,
  ];
}

/** `src/create-<name>-store.ts`: what the routes ask of the copy. */
export function renderStore({ pascal, tables, routes }: ServicePlan): string {
  return fileOf(
    "import { notWritten, type StoreConnections } from '@banyan/service';",
    '',
    ...routes.flatMap(answerLines),
    '/**',
    ' * What the routes ask, of the copy alone:',
    ...tables.map(
      ({ target, columns }) => ` * - \`${target}\`: ${columns.map((column) => column.target).join(', ')}`,
    ),
    ' */',
    `export function create${pascal}Store({ readers }: StoreConnections) {`,
    '  return {',
    ...routes.flatMap(finderLines),
    '  };',
    '}',
  );
}

function routeLines({ path, finder, params }: PlannedRoute): readonly string[] {
  const [given, asked] = params.length === 0 ? ['()', ''] : ['({ params })', 'params'];
  const line = `  get(${literal(path)}, async ${given} => found(await store.${finder}(${asked}))),`;
  if (fits(line)) return [line];
  return [`  get(${literal(path)}, async ${given} =>`, `    found(await store.${finder}(${asked})),`, '  ),'];
}

/** `src/routes.ts` */
export function renderRoutes({ name, pascal, routes }: ServicePlan): string {
  const parameter = `Parts<ReturnType<typeof create${pascal}Store>>`;
  const head = `export const routes = ({ store }: ${parameter}): readonly Route[] => [`;
  return fileOf(
    "import { found, get, type Parts, type Route } from '@banyan/service';",
    `import type { create${pascal}Store } from './create-${name}-store.ts';`,
    '',
    `/** What ${name} answers. */`,
    ...(fits(head)
      ? [head]
      : ['export const routes = ({', '  store,', `}: ${parameter}): readonly Route[] => [`]),
    ...routes.flatMap(routeLines),
    '];',
  );
}

/** `src/service.ts` */
export function renderService({ name, camel, pascal, store }: ServicePlan): string {
  return fileOf(
    "import { defineService } from '@banyan/service';",
    `import { migrationSource } from '../../../migrations/${name}/index.ts';`,
    `import { ${camel}Slice } from '../slice.ts';`,
    `import { create${pascal}Store } from './create-${name}-store.ts';`,
    "import { routes } from './routes.ts';",
    '',
    `/** The service that takes the slice ${name}. */`,
    `export const ${camel}Service = defineService({`,
    `  slice: ${camel}Slice,`,
    `  migrations: { ${store}: migrationSource },`,
    `  store: create${pascal}Store,`,
    `  openapi: new URL('../../../contracts/${name}/openapi.yaml', import.meta.url),`,
    '  routes,',
    '});',
  );
}

/** `src/main.ts` */
export function renderMain({ name, camel, store }: ServicePlan): string {
  const variable = store === 'sqlite' ? 'STORE_FILE' : 'STORE_URL';
  return fileOf(
    `/** Starts the ${name} service: \`${variable}=... BUS_FILE=... node extracted/${name}/src/main.ts\`. */`,
    "import { runService } from '@banyan/service';",
    `import { ${camel}Service } from './service.ts';`,
    '',
    `await runService(${camel}Service);`,
  );
}
