/** `npm run reference`: writes docs/reference/configuration.md from the schemas and tables that the processes read. */
import { outboxConfigTable } from '@banyan/cdc/capture';
import { configSchema, placeholders, sliceSchema } from '@banyan/contracts';
import type { ConfigTable, ConfigVariable } from '@banyan/kit';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readerConfig } from '../cdc/src/capture/reader/config.ts';
import { healthConfigTable } from '../cli/src/supervise/health-config.ts';
import { limitVariables } from '../cli/src/supervise/limits-env.ts';
import { variables } from '../cli/src/variables.ts';
import { configTable as controlTable } from '../control/src/config.ts';
import { serviceConfigTable, storeConfigTable } from '../service/src/config.ts';
import { environment as monolithSchema } from '../monolith/src/config.ts';
import { proxyConfigTable } from '../strangler-proxy/src/config.ts';

export const referenceFile = join(import.meta.dirname, '..', 'docs', 'reference', 'configuration.md');

interface Shape {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly additionalProperties?: Shape | boolean;
}

interface Row {
  readonly key: string;
  readonly kind: string;
  readonly fallback: string;
  readonly text: string;
}

/** A cell of a table: one line, and no bar that would begin another cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => (text === '' ? '' : `\`${cell(text)}\``);

function valueText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return value.toLocaleString('en-US');
  if (value instanceof Map) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function objectKind({ properties }: Shape): string {
  if (!properties) return 'name to value';
  const names = Object.keys(properties);
  return names.length > 6 ? 'object' : `{ ${names.join(', ')} }`;
}

function kindOf(shape: Shape): string {
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum) return shape.enum.map((each) => String(each)).join(', ');
  if (shape.anyOf) {
    const kinds = [...new Set(shape.anyOf.map(kindOf))];
    return kinds.join(' or ');
  }
  if (shape.properties && Object.keys(shape.properties).join() === 'fromEnv') return "fromEnv('NAME')";
  if (shape.type === 'array') return `list of ${kindOf(shape.items ?? {})}`;
  if (shape.type === 'object') return objectKind(shape);
  return shape.type ?? 'anything';
}

/** One row a key, those inside it after it. */
function rowsOf(shape: Shape, path: string): Row[] {
  const alternatives = shape.anyOf ?? [shape];
  return alternatives.flatMap((each) => {
    if (each.type === 'array' && each.items) return rowsOf(each.items, `${path}[]`);
    const isReference = Object.keys(each.properties ?? {}).join() === 'fromEnv';
    if (!each.properties || isReference) return [];
    return Object.entries(each.properties).flatMap(([name, value]) => {
      const key = path === '' ? name : `${path}.${name}`;
      const own: Row = {
        key,
        kind: kindOf(value),
        fallback:
          value.default === undefined || (typeof value.default === 'object' && value.properties)
            ? ''
            : valueText(value.default),
        text: value.description ?? '',
      };
      return [own, ...rowsOf(value, key)];
    });
  });
}

function unique(rows: readonly Row[]): Row[] {
  return [...new Map(rows.map((row) => [`${row.key} ${row.text}`, row])).values()];
}

function keyTable(schema: z.ZodType): string[] {
  const shape = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }) as Shape;
  return [
    '| key | value | default | what it is |',
    '| --- | --- | --- | --- |',
    ...unique(rowsOf(shape, '')).map(
      ({ key, kind, fallback, text }) =>
        `| ${code(key)} | ${cell(kind)} | ${code(fallback)} | ${cell(text)} |`,
    ),
  ];
}

function defaultOf({ schema, wantedWith }: ConfigVariable<unknown>): string {
  const result = schema.safeParse(undefined);
  if (!result.success) return '**must be set**';
  const value = valueText(result.data);
  if (wantedWith) return `must be set with \`${wantedWith.env}=${wantedWith.value}\``;
  return value === '' || value === '[]' ? '' : code(value);
}

function variableTable(table: ConfigTable): string[] {
  return [
    '| variable | default | what it is |',
    '| --- | --- | --- |',
    ...Object.values(table).map((variable) => {
      const secret = variable.secret
        ? `; secret: better in the file that \`${variable.env}_FILE\` names`
        : '';
      return `| \`${variable.env}\` | ${defaultOf(variable)} | ${cell(variable.text)}${secret} |`;
    }),
  ];
}

function monolithTable(): string[] {
  return [
    '| variable | default | what it is |',
    '| --- | --- | --- |',
    ...Object.entries(monolithSchema.shape).map(([name, schema]) => {
      const result = (schema as z.ZodType).safeParse(undefined);
      // The file lies in the checkout, wherever that is.
      const value = result.success && name !== 'SESSION_SECRET_FILE' ? code(valueText(result.data)) : '';
      return `| \`${name}\` | ${result.success ? value : '**must be set**'} | ${cell((schema as z.ZodType).description ?? '')} |`;
    }),
  ];
}

const LIMITS = Object.entries(limitVariables).map(
  ([name, { env, process }]) => `| \`limits.${name}\` | \`${env}\` | ${process} |`,
);

/** The page, before Prettier has aligned its tables. */
export function renderReference(): string {
  return [
    '# Configuration',
    '',
    'Made by `npm run reference` from what the processes read; a test fails while it is not as that would write it.',
    '',
    '## banyan.config.ts',
    '',
    'All that is particular to one installation. `export default defineConfig({ ... })`; the file is the one that',
    '`BANYAN_CONFIG` names, else the nearest one from the current folder upwards. Paths are read from its folder. Only the',
    'command and the control plane load it. A key that nobody knows is refused, with the one that was most likely meant;',
    'all mistakes are told at once: `npx banyan config check`.',
    '',
    "A setting that differs from place to place, or is a secret, is `fromEnv('NAME')`: a name and never a value, read from the",
    'variable, or from the file that `NAME_FILE` names, when Banyan starts.',
    '',
    ...keyTable(configSchema),
    '',
    '### Placeholders',
    '',
    'In the texts of `command` and `env`:',
    '',
    '| placeholder | becomes |',
    '| --- | --- |',
    ...Object.entries(placeholders).map(([name, text]) => `| \`{${name}}\` | ${cell(text)} |`),
    '',
    '### Slices',
    '',
    'What `defineSlice` takes:',
    '',
    ...keyTable(sliceSchema),
    '',
    '### Limits as variables',
    '',
    'A variable that is set where `banyan up` is typed comes before the file: it is for one run.',
    '',
    '| key | variable | read by |',
    '| --- | --- | --- |',
    ...LIMITS,
    '',
    '### Old words',
    '',
    'Read still, with a notice: `export const config`, a bare slice in `slices`, `monolithDeadlineMs`, `serviceDeadlineMs`, and',
    'beside a file that names no monolith or the sample: `MONOLITH_URL`, `DATABASE_URL`, `SERVICE_URLS`.',
    '',
    '## The command',
    '',
    'A variable that begins with `BANYAN_` and is not here is refused.',
    '',
    '| variable | what it is |',
    '| --- | --- |',
    ...Object.entries(variables).map(([name, text]) => `| \`${name}\` | ${cell(text)} |`),
    '',
    '## The supervisor',
    '',
    ...variableTable(healthConfigTable),
    '',
    '## The control plane',
    '',
    '`banyan up` and compose set these; by hand they are needed only where others run the processes. So are those below.',
    '',
    ...variableTable(controlTable),
    '',
    '## The proxy',
    '',
    ...variableTable(proxyConfigTable),
    '',
    '## The reader',
    '',
    ...variableTable({ ...readerConfig, ...outboxConfigTable }),
    '',
    '## A service',
    '',
    ...variableTable({ ...serviceConfigTable, ...storeConfigTable }),
    '',
    '## The sample’s monolith',
    '',
    ...monolithTable(),
    '',
    'Every process reads `LOG_LEVEL` too: trace, debug, info, warn, error, silent.',
    '',
  ].join('\n');
}

/** As it is checked in. */
export async function formattedReference(): Promise<string> {
  const { format } = await import('prettier');
  return format(renderReference(), { parser: 'markdown', printWidth: 110 });
}

if (process.argv[1] === import.meta.filename) writeFileSync(referenceFile, await formattedReference());
