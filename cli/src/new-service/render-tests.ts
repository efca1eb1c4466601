import { fileOf, listLines, literal, property } from './code-text.ts';
import { sourceTableLines } from './render-schema.ts';
import { sampleParameter, sampleValue } from './sample-value.ts';
import type { PlannedRoute, PlannedTable, ServicePlan } from './service-plan.ts';

const rowLines = ({ source, columns }: PlannedTable): readonly string[] => [
  `  ${literal(source)}: (n: number): Row => ({`,
  ...columns.map((column) => `    ${property(column.name)}: ${sampleValue(column)},`),
  '  }),',
];

/** `src/testing/source-tables.ts`: the monolith as the service's test sees it. */
export function renderSourceTables({ tables }: ServicePlan): string {
  return fileOf(
    "import type { Row } from '@banyan/contracts';",
    "import { migrationSourceOf } from '../../../../migrations/migration-source.ts';",
    '',
    'const TABLES = [',
    ...sourceTableLines(tables),
    '];',
    '',
    '/** The copied columns of the monolith’s tables, as its catalog had them when this service was made. */',
    'export const sourceTables = migrationSourceOf({',
    "  '0001-source-tables': {",
    '    async up(knex) {',
    '      for (const statement of TABLES) await knex.raw(statement);',
    '    },',
    "    down: () => Promise.reject(new Error('the database goes with its test')),",
    '  },',
    '});',
    '',
    '/** Row number `n` of each, as the feed tells it. */',
    'export const rows = {',
    ...tables.flatMap(rowLines),
    '};',
  );
}

function requestsOf({ path, params }: PlannedRoute, tables: readonly PlannedTable[]): readonly string[] {
  const columns = tables.flatMap((table) => table.columns);
  const filled = (which: 'one' | 'none'): string =>
    path.replaceAll(/:(\w+)/g, (_all, param: string) => sampleParameter(param, columns)[which]);
  const isThere = `GET ${filled('one')} 200`;
  return params.length === 0 ? [isThere] : [isThere, `GET ${filled('none')} 404`];
}

/** `src/service.e2e.test.ts` */
export function renderContractTest({ camel, routes, tables }: ServicePlan): string {
  const requests = routes.flatMap((route) => requestsOf(route, tables)).map(literal);
  return fileOf(
    "import { serviceContract } from '@banyan/service/testing';",
    `import { ${camel}Service } from './service.ts';`,
    "import { rows, sourceTables } from './testing/source-tables.ts';",
    '',
    'serviceContract({',
    `  service: ${camel}Service,`,
    "  main: new URL('main.ts', import.meta.url),",
    '  monolith: sourceTables,',
    '  rows,',
    ...listLines('  requests: ', requests, ','),
    '});',
  );
}
