import type { Command } from 'commander';
import { addCommonOptions, contextOf } from './context.ts';
import { asTyped } from '../output/terminal.ts';
import { syncErrors, syncRetry, syncSkip, type HeldKeyOptions } from './sync.ts';

type Given<T> = T & { readonly json?: boolean };

/** `banyan sync errors | retry | skip`. @param parseCount A whole number from 0. */
export function addSyncCommand(program: Command, parseCount: (text: string) => number): void {
  const sync = program
    .command('sync')
    .description('what a service could not apply: show it, replay it, or let it go')
    .addHelpText('after', '\nExample:\n  $ npx banyan sync errors SLICE');
  const command = (nameAndArgs: string, text: string, example: string): Command =>
    addCommonOptions(sync.command(nameAndArgs).description(text)).addHelpText(
      'after',
      `\nExample:\n  $ ${asTyped(example)}`,
    );

  command(
    'errors <slice>',
    'held records: payload without anything personal, reason, what waits behind',
    'banyan sync errors SLICE --limit 5',
  )
    .option('--limit <n>', 'keys at most', parseCount, 20)
    .action((slice: string, options: Given<{ limit?: number }>) =>
      syncErrors(slice, options, contextOf(options)),
    );

  command(
    'retry <slice>',
    'replay held records in order, after code or schema was mended',
    'banyan sync retry SLICE --all --dry-run',
  )
    .option('--key <values...>', 'one key: its values in key order, e.g. --key 17')
    .option('--table <schema.table>', "the key's table, where several hold it")
    .option('--all', 'every key that is held')
    .option('--reason <text>', 'why, for the journal')
    .option('--dry-run', 'try it in the store, and roll it back')
    .action((slice: string, options: Given<HeldKeyOptions & { all?: boolean }>) =>
      syncRetry(slice, options, contextOf(options)),
    );

  command(
    'skip <slice>',
    'let held records of a key go: its row is read again at the source',
    'banyan sync skip SLICE --key 17 --reason "a row of the old import"',
  )
    .requiredOption('--key <values...>', 'the key: its values in key order, e.g. --key 17')
    .requiredOption('--reason <text>', 'why, for the journal')
    .option('--table <schema.table>', "the key's table, where several hold it")
    .option('--dry-run', 'print what would be done, change nothing')
    .action((slice: string, options: Given<HeldKeyOptions & { key: string[]; reason: string }>) =>
      syncSkip(slice, options, contextOf(options)),
    );
}
