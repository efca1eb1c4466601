import { fileOf, listLines, literal, property } from './code-text.ts';
import type { PlannedTable, ServicePlan } from './service-plan.ts';

const tableLines = ({ source, target, kind, key, columns }: PlannedTable): readonly string[] => {
  const personal = columns.filter(({ isPersonal }) => isPersonal).map(({ name }) => literal(name));
  return [
    '    {',
    `      source: ${literal(source)},`,
    `      target: ${literal(target)},`,
    `      kind: ${literal(kind)},`,
    ...listLines('      key: ', key.map(literal), ','),
    '      columns: {',
    ...columns.map((column) => `        ${property(column.name)}: ${literal(column.target)},`),
    '      },',
    ...(personal.length > 0
      ? [
          '      // By their names; correct it where a name misleads.',
          ...listLines('      personal: ', personal, ','),
        ]
      : []),
    '    },',
  ];
};

/** `slice.ts`: what moves. */
export function renderSlice({ name, camel, title, routes, tables }: ServicePlan): string {
  const paths = routes.map(({ path }) => `{ path: ${literal(path)} }`);
  return fileOf(
    "import { defineSlice } from '@banyan/contracts';",
    '',
    `/** What moves with ${name}: its routes, and what it copies to answer them. */`,
    `export const ${camel}Slice = defineSlice({`,
    `  name: ${literal(name)},`,
    `  title: ${literal(title)},`,
    ...listLines('  routes: ', paths, ','),
    '  tables: [',
    ...tables.flatMap(tableLines),
    '  ],',
    '});',
  );
}
