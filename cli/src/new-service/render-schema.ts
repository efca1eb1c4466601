import { fileOf, inTemplate, listLines, literal, sqlName } from './code-text.ts';
import type { PlannedColumn, PlannedTable, ServicePlan } from './service-plan.ts';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly isKey: boolean;
}

/** `CREATE TABLE` as an item of a list of template literals. */
function tableLines(name: string, columns: readonly Column[], end: string): readonly string[] {
  const key = columns.filter(({ isKey }) => isKey);
  const isSingle = key.length === 1;
  const lines = columns.map((column) => {
    const rule = column.isKey && isSingle ? ' PRIMARY KEY' : '';
    // SQLite takes null in a key of texts, but for this.
    const isInteger = column.type === 'INTEGER' && rule !== '';
    return `${sqlName(column.name)} ${column.type}${column.notNull && !isInteger ? ' NOT NULL' : ''}${rule}`;
  });
  const keyLine = isSingle ? [] : [`PRIMARY KEY (${key.map(({ name: part }) => sqlName(part)).join(', ')})`];
  const inner = [...lines, ...keyLine].map((line) => `     ${inTemplate(line)}`).join(',\n');
  return [`  \`CREATE TABLE ${inTemplate(name)} (`, ...inner.split('\n'), `   )${end}\`,`];
}

/** The copies, by the service's own names. */
function copyLines({ target, columns }: PlannedTable, store: ServicePlan['store']): readonly string[] {
  const copied = columns.map((column) => ({ ...column, name: column.target, type: column.stores[store] }));
  return tableLines(sqlName(target), copied, store === 'sqlite' ? ' STRICT' : '');
}

/** `migrations/<name>/0001-<name>.ts` */
export function renderMigration({ tables, store }: ServicePlan): string {
  const names = tables.map(({ target }) => literal(target)).reverse();
  return fileOf(
    "import type { Knex } from 'knex';",
    '',
    "// No foreign keys: rows of different tables arrive in any order. Add the indexes that the store's queries want.",
    'const TABLES = [',
    ...tables.flatMap((table) => copyLines(table, store)),
    '];',
    '',
    '/** The tables that the feed fills. */',
    'export async function up(knex: Knex): Promise<void> {',
    '  for (const statement of TABLES) await knex.raw(statement);',
    '}',
    '',
    'export async function down(knex: Knex): Promise<void> {',
    ...listLines('  const tables = ', names, ';'),
    '  for (const table of tables) await knex.raw(`DROP TABLE "${table}"`);',
    '}',
  );
}

/** `migrations/<name>/index.ts` */
export function renderMigrations({ name, store }: ServicePlan): string {
  return fileOf(
    "import { migrationSourceOf } from '../migration-source.ts';",
    `import * as first from './0001-${name}.ts';`,
    '',
    `/** The ${name} service's schema (${store === 'sqlite' ? 'SQLite' : 'PostgreSQL'}), in order. Names are stored: never rename one. */`,
    `export const migrationSource = migrationSourceOf({`,
    `  '0001-${name}': first,`,
    '});',
  );
}

/** The type of a column at the source, or the nearest that every PostgreSQL has. */
const sourceType = ({ kind, type, stores }: PlannedColumn): string =>
  kind === 'other' || kind === 'array' || type === 'citext' ? stores.postgres : type;

/** The tables of the monolith, as far as they are copied. */
export function sourceTableLines(tables: readonly PlannedTable[]): readonly string[] {
  const schemas = [...new Set(tables.map(({ source }) => source.split('.')[0] ?? ''))];
  return [
    ...schemas
      .filter((schema) => schema !== 'public')
      .map((schema) => `  ${literal(`CREATE SCHEMA ${sqlName(schema)}`)},`),
    ...tables.flatMap(({ source, columns }) =>
      tableLines(
        source.split('.').map(sqlName).join('.'),
        // knex takes a bare ? for a place of a value.
        columns.map((column) => ({
          ...column,
          name: column.name.replaceAll('?', '\\?'),
          type: sourceType(column),
        })),
        '',
      ),
    ),
  ];
}
