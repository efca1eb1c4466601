import type { Command } from 'commander';
import { asTyped } from '../output/terminal.ts';
import { addCommonOptions, contextOf } from './context.ts';
import { quarantineList, quarantineRetry, quarantineSkip, type KeyOptions } from './quarantine.ts';

type Given<T> = T & { readonly json?: boolean };

/** `list`, and what it was called under `banyan sync`. */
interface Verb {
  readonly name: 'list' | 'retry' | 'skip';
  readonly before: 'errors' | 'retry' | 'skip';
  readonly text: string;
  readonly example: string;
  /** Adds its options and what it does. */
  readonly fill: (command: Command) => unknown;
}

const verbsOf = (parseCount: (text: string) => number): readonly Verb[] => [
  {
    name: 'list',
    before: 'errors',
    text: 'show the records in quarantine and why, with nothing personal in them',
    example: 'banyan quarantine list SLICE --limit 5',
    fill: (command) =>
      command
        .option('--limit <n>', 'most keys to show', parseCount, 20)
        .action((slice: string, options: Given<{ limit?: number }>) =>
          quarantineList(slice, options, contextOf(options)),
        ),
  },
  {
    name: 'retry',
    before: 'retry',
    text: 'apply quarantined records again, in order, after you have fixed the code or the schema',
    example: 'banyan quarantine retry SLICE --all --dry-run',
    fill: (command) =>
      command
        .option('--key <values...>', 'one key: its values in key order, e.g. --key 17')
        .option('--table <schema.table>', "the key's table, if several tables have it in quarantine")
        .option('--all', 'every key in quarantine')
        .option('--reason <text>', 'why, for the journal')
        .option('--dry-run', 'try it in the store, and roll it back')
        .action((slice: string, options: Given<KeyOptions & { all?: boolean }>) =>
          quarantineRetry(slice, options, contextOf(options)),
        ),
  },
  {
    name: 'skip',
    before: 'skip',
    text: "release a key's records and read its row again from the monolith's database instead",
    example: 'banyan quarantine skip SLICE --key 17 --reason "a row of the old import"',
    fill: (command) =>
      command
        .requiredOption('--key <values...>', 'the key: its values in key order, e.g. --key 17')
        .requiredOption('--reason <text>', 'why, for the journal')
        .option('--table <schema.table>', "the key's table, if several tables have it in quarantine")
        .option('--dry-run', 'print what would be done, change nothing')
        .action((slice: string, options: Given<KeyOptions & { key: string[]; reason: string }>) =>
          quarantineSkip(slice, options, contextOf(options)),
        ),
  },
];

function addVerb(parent: Command, name: string, { text, example, fill }: Verb): Command {
  const command = parent.command(`${name} <slice>`).description(text);
  addCommonOptions(command).addHelpText('after', `\nExample:\n  $ ${asTyped(example)}`);
  fill(command);
  return command;
}

/**
 * `banyan quarantine list | retry | skip`, and `banyan sync errors | retry | skip` as before, with a notice on stderr.
 *
 * @param parseCount A whole number from 0.
 */
export function addQuarantineCommand(program: Command, parseCount: (text: string) => number): void {
  const quarantine = program
    .command('quarantine')
    .description('records that a service could not apply: list them, retry them, or skip them')
    .addHelpText('after', '\nExample:\n  $ npx banyan quarantine list SLICE');
  const sync = program
    .command('sync', { hidden: true })
    .description('now called `npx banyan quarantine`')
    .addHelpText('after', '\nExample:\n  $ npx banyan quarantine list SLICE');
  for (const verb of verbsOf(parseCount)) {
    addVerb(quarantine, verb.name, verb);
    addVerb(sync, verb.before, verb).hook('preAction', () => {
      console.error(asTyped(`notice: banyan sync ${verb.before} is now banyan quarantine ${verb.name}`));
    });
  }
}
