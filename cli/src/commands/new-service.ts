import type { CatalogResponse } from '@banyan/contracts';
import { printableLines } from '@banyan/kit';
import { relative } from 'node:path';
import { needDeclaration } from '../config/declaration.ts';
import { loadExported } from '../config/load-config.ts';
import { ControlClient } from '../control-client.ts';
import { configFile } from '../home.ts';
import { askColumns } from '../new-service/ask-columns.ts';
import { planService, type ServiceOrder } from '../new-service/plan-service.ts';
import { prepareService, type Prepared } from '../new-service/prepare-service.ts';
import { OPEN_MARK, type ServicePlan, type StoreKind } from '../new-service/service-plan.ts';
import { writeService } from '../new-service/write-service.ts';
import { CommandError } from '../output/command-error.ts';
import { asTyped, isTerminal, printJson } from '../output/terminal.ts';
import type { Context } from './context.ts';

export interface NewServiceOptions {
  readonly tables: readonly string[];
  readonly routes: readonly string[];
  readonly columns?: ReadonlyMap<string, readonly string[]>;
  readonly owned?: readonly string[];
  readonly title?: string;
  readonly store: StoreKind;
  /** False with `--no-config`. */
  readonly config: boolean;
  readonly dryRun?: boolean;
}

/**
 * Writes a new service's files, from what control says of the monolith's tables.
 *
 * @throws CommandError `service-unfit` with every reason; then nothing was written
 */
export async function newService(name: string, options: NewServiceOptions, context: Context): Promise<void> {
  const file = configFile();
  await needDeclaration({ file });
  const tables = [...new Set(options.tables)];
  const catalog = await ControlClient.open(context.home, { exact: true }).catalog(tables);
  const columns = await chooseColumns(catalog, options, context);
  const { owned = [], routes, title, store } = options;
  const order: ServiceOrder = { name, title, tables, routes: [...new Set(routes)], columns, owned, store };
  const { plan, problems } = planService(order, catalog);
  const { value: config } = await loadExported(file);
  const prepared = prepareService(plan, { configFile: file, config, editsConfig: options.config });
  refuse([...problems, ...prepared.problems]);
  const isDry = options.dryRun ?? false;
  if (!isDry) writeService(prepared.writing);
  const about = { plan, prepared, isDry, config: relative(prepared.writing.root, file) };
  if (context.json) printJson(reportOf(about));
  else printMade(about);
}

/** The columns given, and at a terminal those asked for. */
async function chooseColumns(
  { tables }: CatalogResponse,
  { columns = new Map<string, readonly string[]>() }: NewServiceOptions,
  { json }: Context,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const chosen = new Map(columns);
  if (json || !isTerminal() || !process.stdin.isTTY) return chosen;
  for (const table of tables) if (!chosen.has(table.name)) chosen.set(table.name, await askColumns(table));
  return chosen;
}

function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new CommandError({
    code: 'service-unfit',
    message: 'No such service can be made; nothing was written.',
    evidence: [...new Set(problems)],
    nextSteps: ['banyan new service --help'],
    exitCode: 2,
  });
}

interface Made {
  readonly plan: ServicePlan;
  readonly prepared: Prepared;
  readonly isDry: boolean;
  /** The configuration's name, from its own folder. */
  readonly config: string;
}

function nextSteps({ plan: { name }, prepared: { writing } }: Made): readonly string[] {
  return [
    `grep -rn '${OPEN_MARK}' extracted/${name} contracts/${name} # what is left to write`,
    `npm run jest -- extracted/${name} # fails until that is written`,
    ...('package-lock.json' in writing.changed && writing.link ? [] : ['npm install']),
    'banyan config render # where compose runs it',
    'banyan down && npx banyan up # then starts it',
  ];
}

/** What takes it all away again. */
function undo({ prepared: { writing } }: Made): readonly string[] {
  const places = [...writing.folders, ...(writing.link ? [writing.link.at] : [])];
  const changed = Object.keys(writing.changed);
  return [
    `rm -r ${places.join(' ')}`,
    ...(changed.length > 0 ? [`git checkout -p ${changed.join(' ')}`] : []),
  ];
}

function reportOf(made: Made): object {
  const { plan, prepared, isDry, config } = made;
  const { writing, entry } = prepared;
  return {
    schema_version: 1,
    name: plan.name,
    dry_run: isDry,
    files: Object.entries(writing.files).map(([path, text]) => (isDry ? { path, text } : { path })),
    changed: Object.keys(writing.changed),
    config: { file: config, import: entry.file, slice: entry.exported, line: entry.element },
    tables: plan.tables.map(({ source, target, kind, columns }) => ({
      source,
      target,
      kind,
      columns: columns.map(({ name }) => name),
      personal: columns.filter(({ isPersonal }) => isPersonal).map(({ name }) => name),
    })),
    undo: undo(made),
    next_steps: nextSteps(made),
  };
}

function printMade(made: Made): void {
  const { plan, prepared, isDry, config } = made;
  const { writing, entry } = prepared;
  const say = (text: string): void => console.log(printableLines(text));
  for (const [path, text] of Object.entries(writing.files))
    say(isDry ? `--- ${path}\n${text}` : `made     ${path}`);
  if (writing.link) say(`linked   ${writing.link.at}`);
  for (const path of Object.keys(writing.changed)) say(`${isDry ? '--- changes in' : 'changed '} ${path}`);
  say(`${config}: import { ${entry.exported} } from '${entry.file}';`);
  say(`${config}: slices: ${entry.element}`);
  for (const { source, kind, columns } of plan.tables) {
    say(`copies   ${source} (${kind}): ${columns.map(({ name }) => name).join(', ')}`);
    const personal = columns.filter(({ isPersonal }) => isPersonal).map(({ name }) => name);
    if (personal.length > 0) say(`         personal by their names, and masked: ${personal.join(', ')}`);
  }
  if (isDry) return;
  for (const step of nextSteps(made)) say(asTyped(`next     ${step}`));
  for (const step of undo(made)) say(`undo     ${step}`);
}
