import packageJson from '../package.json' with { type: 'json' };
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { busGroups, busRead, busTopics, type ReadOptions } from './commands/bus.ts';
import { describeSystemFailure } from './checks/system-failure.ts';
import { configCheck, configRender } from './commands/config.ts';
import { addCommonOptions, contextOf } from './commands/context.ts';
import { doctor } from './commands/doctor.ts';
import { down } from './commands/down.ts';
import { explain, type ExplainOptions } from './commands/explain.ts';
import { feedDrop, type FeedDropOptions } from './commands/feed.ts';
import { feedReadmit } from './commands/feed-readmit.ts';
import { journal } from './commands/journal.ts';
import { lookThrough } from './commands/look.ts';
import { slices, status } from './commands/status.ts';
import { printPid } from './commands/pid.ts';
import { addQuarantineCommand } from './commands/quarantine-command.ts';
import { up, type UpOptions } from './commands/up.ts';
import { runVerb, type VerbOptions } from './commands/verbs.ts';
import { verify, type VerifyCommandOptions } from './commands/verify.ts';
import { refuseUnknownVariables } from './variables.ts';
import { stackNames } from './supervise/stack-choice.ts';
import { FIRST_SAMPLE_FLAG, FIRST_SAMPLE_OPTION } from './config/before-declarations.ts';
import { CommandError } from './output/command-error.ts';
import { asTyped, printFailure } from './output/terminal.ts';

// Whatever we write, and whatever those write whom we start, is for our own account alone.
process.umask(0o077);

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a whole number from 1 to 65535.');
}

function parseCount(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError('A whole number, 0 or more.');
}

function parseShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  const share = match ? Number(match[1]) / 100 : Number.NaN;
  if (share >= 0 && share <= 1) return share;
  throw new InvalidArgumentError('A share is written with its sign, from 0% to 100%, e.g. 25%.');
}

const program = new Command('npx banyan')
  .version(packageJson.version, '-V, --version', 'the version of Banyan')
  .description('Moves features out of a monolith, one slice at a time: traffic and data together.')
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(npx banyan COMMAND --help shows an example)')
  .addHelpText(
    'after',
    `
Example:
  $ npx banyan up                          start the monolith, the feed, the services and the proxy
  $ npx banyan advance SLICE --wait        copy the slice's tables and verify the copy
  $ npx banyan advance SLICE               give the service its first share of reads
  $ npx banyan rollback SLICE --reason "wrong prices"

Exit codes: 0 done, 1 refused by a gate or not yet, 2 wrong command line or request,
            3 the environment needs fixing (npx banyan doctor), 130 interrupted.
The state is kept in .banyan/ beside banyan.config.ts; BANYAN_HOME names another folder.`,
  );

const command = (nameAndArgs: string, text: string, example: string): Command =>
  addCommonOptions(program.command(nameAndArgs).description(text)).addHelpText(
    'after',
    `\nExample:\n  $ ${asTyped(example)}`,
  );

command('up', 'start everything and keep it running; Ctrl-C stops it', 'banyan up --customers 8')
  .option(
    '--port <port>',
    'port for customers (default: the declared one, the last one, 8080, or a free one)',
    parsePort,
  )
  .option('--customers <n>', 'built-in customers who browse, buy and review', parseCount, 0)
  .option('--detach', 'return once all is ready; `npx banyan down` stops it')
  .option('--sample', 'with DATABASE_URL: start the sample monolith, which makes its tables and rows there')
  .addOption(new Option(FIRST_SAMPLE_FLAG).hideHelp())
  .option('--dry-run', 'check the environment, print what would be made in the database, change nothing')
  .addOption(
    new Option(
      '--stack <stack>',
      'embedded: one SQLite file as the bus; kafka: Kafka and Debezium, which want Java 17 (default: the last one, embedded)',
    )
      .choices(stackNames)
      .env('BANYAN_STACK'),
  )
  .action((options: UpOptions & { json?: boolean; [FIRST_SAMPLE_OPTION]?: boolean }) => {
    const isOld = options[FIRST_SAMPLE_OPTION] === true;
    if (isOld) console.error(`notice: ${FIRST_SAMPLE_FLAG} is now --sample`);
    return up(isOld ? { ...options, sample: true } : options, contextOf(options));
  });

command('down', 'stop what `up` started; the state stays', 'banyan down')
  .option('--erase', 'also put the state folder aside, so that the next `up` begins from nothing')
  .action((options: { erase?: boolean; json?: boolean }) => down(options, contextOf(options)));

command(
  'status',
  'slices, copies, gates, feed, proxies and processes as they are now',
  'banyan status --watch',
)
  .option('--watch', 'again every second')
  .action((options: { watch?: boolean; json?: boolean }) => status(options, contextOf(options)));

command('slices', 'one line a slice', 'banyan slices').action((options: { json?: boolean }) =>
  slices(contextOf(options)),
);

const verbs = [
  ['advance', 'one step on, if every gate passes', 'banyan advance SLICE --wait', false],
  [
    'pause',
    'no step forward until `resume`; a rollback stays possible',
    'banyan pause SLICE --reason "release day"',
    true,
  ],
  ['resume', 'end a pause', 'banyan resume SLICE', false],
  [
    'rollback',
    'one step back: all reads to the monolith at once',
    'banyan rollback SLICE --reason "wrong prices"',
    true,
  ],
  [
    'route',
    "set the service's share of reads by hand",
    'banyan route SLICE --share 25% --reason "quiet evening"',
    true,
  ],
  [
    'resync',
    "restart the service's copy from a new table snapshot; all reads go to the monolith meanwhile",
    'banyan resync SLICE --reason "store restored from a backup" --wait',
    true,
  ],
] as const;

for (const [verb, text, example, wantsReason] of verbs) {
  const verbCommand = command(`${verb} <slice>`, text, example)
    .option('--dry-run', 'print what would be done, change nothing')
    .option('--wait', 'return only when the step is complete')
    .option('--timeout-s <seconds>', 'longest time for --wait', parseCount, 300);
  if (wantsReason) verbCommand.requiredOption('--reason <text>', 'why, for the journal');
  else verbCommand.option('--reason <text>', 'why, for the journal');
  if (verb === 'route') verbCommand.requiredOption('--share <percent>', 'e.g. 25%', parseShare);
  if (verb === 'advance')
    verbCommand.option('--share <percent>', 'another share than the next one, e.g. 10%', parseShare);
  verbCommand.action((slice: string, options: VerbOptions & { json?: boolean }) =>
    runVerb(verb, slice, options, contextOf(options)),
  );
}

addQuarantineCommand(program, parseCount);

command(
  'verify <slice>',
  "compare the service's copy with the monolith, row by row, while both are written to",
  'banyan verify SLICE --repair --reason "a row was lost" --dry-run',
)
  .option('--repair', 'have each row that differs read again at the source, and verify it again')
  .option('--reason <text>', 'why, for the journal; --repair wants one')
  .option('--dry-run', 'print what would be done, change nothing')
  .option('--wait', 'return when it is done, with its result (the default)')
  .option('--no-wait', 'return once it has begun; `npx banyan status` shows how far it is')
  .option('--timeout-s <seconds>', 'longest time to wait; it goes on after that', parseCount, 3_600)
  .addHelpText(
    'after',
    `
Exit codes: 0 both sides are equal, 1 they differ, are not settled, or it was refused, 2 wrong command line,
            3 they could not be compared, 130 interrupted (it goes on in the control plane).
An interrupted verification goes on after the last range that was settled.`,
  )
  .action((slice: string, options: VerifyCommandOptions & { json?: boolean }) =>
    verify(slice, options, contextOf(options)),
  );

command('explain <method> <path>', 'where a request goes, and why', 'banyan explain GET /orders/17 --user 5')
  .option('--user <id>', "a signed-in customer's id")
  .option(
    '--visitor <key>',
    "the visitor cookie of somebody not signed in; without any of these, a new visitor's request",
  )
  .option('--key <value>', 'what tells a client without cookies apart: an API key, a token’s subject')
  .option('--pinned', 'somebody who wrote just now')
  .addOption(
    new Option('--override <side>', 'with an authorised banyan-override header').choices([
      'monolith',
      'service',
    ]),
  )
  .action((method: string, path: string, options: ExplainOptions & { json?: boolean }) =>
    explain(method, path, options, contextOf(options)),
  );

command(
  'look',
  'the site with a badge on each page that says who answered, and links that ask the other side',
  'banyan look',
)
  .option('--port <port>', 'of the address on this machine (default: a free one)', parsePort)
  .action((options: { port?: number; json?: boolean }) => lookThrough(options, contextOf(options)));

command('journal [slice]', 'every step: who, what, when, why', 'banyan journal SLICE --evidence')
  .option('--limit <n>', 'entries at most', parseCount, 50)
  .option('--evidence', 'with what each gate saw')
  .action((slice: string | undefined, options: { limit?: number; evidence?: boolean; json?: boolean }) =>
    journal(slice, options, contextOf(options)),
  );

const bus = program
  .command('bus')
  .description('look at what is on its way from the database to the services')
  .addHelpText('after', '\nExample:\n  $ npx banyan bus topics');

const busCommand = (nameAndArgs: string, text: string, example: string): Command =>
  addCommonOptions(bus.command(nameAndArgs).description(text)).addHelpText(
    'after',
    `\nExample:\n  $ ${asTyped(example)}`,
  );

busCommand('topics', 'what is kept of each topic, and for whom', 'banyan bus topics').action(
  (options: { json?: boolean }) => busTopics(contextOf(options)),
);

busCommand('groups', 'how far each service has applied what it reads', 'banyan bus groups').action(
  (options: { json?: boolean }) => busGroups(contextOf(options)),
);

busCommand(
  'read <topic>',
  'records of a topic, the newest ones unless --from or --key is given; values are masked, keys are not',
  'banyan bus read banyan.public.orders --key 17 --values',
)
  .option('--from <offset>', 'begin at this offset', parseCount)
  .option('--limit <n>', 'records at most, 1 to 1000', parseCount, 20)
  .option('--key <key>', 'only of this key: the value of a single key column, or the key as JSON')
  .option(
    '--values',
    "show values of columns that a slice's mapping names and does not call personal; others stay masked",
  )
  .option('--follow', 'go on with records as they come; Ctrl-C stops')
  .action((topic: string, options: ReadOptions & { json?: boolean }) =>
    busRead(topic, options, contextOf(options)),
  );
const feed = program.command('feed').description('what Banyan keeps in the database that it reads');
addCommonOptions(
  feed
    .command('drop')
    .description('drop a replication slot that nobody needs, and its publication: frees the WAL kept for it'),
)
  .option('--slot <name>', "another slot than Banyan's own: one that an earlier set-up left behind")
  .option('--dry-run', 'print what would be done, change nothing')
  .requiredOption('--reason <text>', 'why, for the log')
  .addHelpText('after', '\nExample:\n  $ npx banyan feed drop --reason "the trial is over" --dry-run')
  .action((options: FeedDropOptions & { json?: boolean }) => feedDrop(options, contextOf(options)));
addCommonOptions(
  feed
    .command('readmit')
    .description('ask for the outbox again, which was taken out of the feed for an event too large'),
)
  .requiredOption('--reason <text>', 'why, for the log')
  .addHelpText('after', '\nExample:\n  $ npx banyan feed readmit --reason "the event is deleted"')
  .action((options: { reason: string; json?: boolean }) => feedReadmit(options, contextOf(options)));

command(
  'pid <process>',
  'process number of one of the processes, to try out its death',
  'kill -9 $(banyan pid proxy)',
).action((name: string, options: { json?: boolean }) => printPid(name, contextOf(options)));

const config = program
  .command('config')
  .description('what banyan.config.ts declares')
  .addHelpText('after', '\nExample:\n  $ npx banyan config check');

addCommonOptions(config.command('check').description('is the file right; every mistake at once'))
  .addHelpText('after', '\nExample:\n  $ npx banyan config check')
  .action((options: { json?: boolean }) => configCheck(contextOf(options)));

addCommonOptions(
  config
    .command('render')
    .description(
      'write docker-compose.yml and compose/prometheus.yml as the file says; compose reads no TypeScript',
    ),
)
  .option('--check', 'change nothing; exit 1 when they are not as they would be written')
  .addHelpText('after', '\nExample:\n  $ npx banyan config render --check')
  .action((options: { check?: boolean; json?: boolean }) => configRender(options, contextOf(options)));

command('doctor', 'check the environment, and say how to fix what is wrong', 'banyan doctor').action(
  (options: { json?: boolean }) => doctor(contextOf(options)),
);

try {
  refuseUnknownVariables();
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommandError) {
    printFailure(error, process.argv.includes('--json'));
    process.exitCode = error.exitCode;
  } else if (error instanceof CommanderError) {
    // Its message is printed already; help and version are no errors.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const words = describeSystemFailure(error);
    if (words === null) throw error; // a fault of ours: its stack says where
    const failure = {
      code: 'environment-unfit',
      message: words,
      nextSteps: ['banyan doctor'],
      exitCode: 3,
    } as const;
    printFailure(new CommandError({ ...failure, cause: error }), process.argv.includes('--json'));
    process.exitCode = 3;
  }
}
