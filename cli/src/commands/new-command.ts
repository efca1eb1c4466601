import { InvalidArgumentError, Option, type Command } from 'commander';
import { asTyped } from '../output/terminal.ts';
import { addCommonOptions, contextOf } from './context.ts';
import { newService, type NewServiceOptions } from './new-service.ts';

/** `a,b` and `--x a --x b` alike. */
const collect = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== ''),
];

function collectColumns(text: string, before: NewServiceOptions['columns'] = new Map()) {
  const [, table, columns] = /^([^:,]+):(.+)$/.exec(text) ?? [];
  if (table === undefined || columns === undefined) {
    throw new InvalidArgumentError('Give a table and its columns, e.g. public.orders:id,total.');
  }
  return new Map(before).set(table, [...(before.get(table) ?? []), ...collect(columns)]);
}

/** `banyan new service`. */
export function addNewCommand(program: Command): void {
  const example =
    'banyan new service stock-watch --tables public.inventory,public.products \\\n' +
    "      --columns public.inventory:quantity --columns public.products:slug --routes '/api/products/:slug/stock'";
  const made = program
    .command('new')
    .description('make a new service')
    .addHelpText('after', asTyped(`\nExample:\n  $ ${example}`));
  addCommonOptions(made.command('service <name>'))
    .description('write contract, slice, migration, store, routes and test of a new service')
    .requiredOption('--tables <tables>', 'what it copies, e.g. public.orders,public.items', collect)
    .requiredOption('--routes <paths>', 'what it answers, e.g. /api/orders/:id', collect)
    .option(
      '--columns <table:columns>',
      'columns to copy of one table, again for each; asked for at a terminal when left out',
      collectColumns,
    )
    .option('--owned <tables>', 'tables whose ownership moves with the slice (default: none)', collect)
    .option('--title <text>', 'the slice in a few words (default: its name)')
    .addOption(
      new Option('--store <kind>', 'where the copy is kept')
        .choices(['sqlite', 'postgres'])
        .default('sqlite'),
    )
    .option('--no-config', 'leave banyan.config.ts as it is, and print what to add')
    .option('--dry-run', 'print what would be written, write nothing')
    .addHelpText('after', asTyped(`\nExample:\n  $ ${example}`))
    .action((name: string, options: NewServiceOptions & { json?: boolean }) =>
      newService(name, options, contextOf(options)),
    );
}
