import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FIRST_PUBLIC_URL } from '../config/before-declarations.ts';
import type { Declaration } from '../config/declared.ts';
import { checkEnvironment } from '../checks/check-environment.ts';
import { checkPort } from '../checks/check-port.ts';
import { refuseProblems } from '../checks/finding.ts';
import type { Context } from './context.ts';
import { CommandError } from '../output/command-error.ts';
import { printJson, style } from '../output/terminal.ts';
import { readRunState, type RunState } from '../supervise/run-state.ts';
import { planBanyanSchema } from '../supervise/database.ts';
import { feedName } from '../supervise/installation.ts';
import type { StackName } from '../supervise/stack-choice.ts';
import { refuseSecond, Supervisor } from '../supervise/supervisor.ts';

export interface UpOptions {
  readonly port?: number;
  readonly customers: number;
  /** Default: the one that the state folder was begun on, else `embedded`. */
  readonly stack?: StackName;
  readonly detach?: boolean;
  /** The sample may have the database of `DATABASE_URL`. */
  readonly sample?: boolean;
  /** Checks, says what would be made in the database, and changes nothing. */
  readonly dryRun?: boolean;
}

/** @throws CommandError whatever stands against a start, all at once and in the words of `doctor`. */
async function refuseUnfit(options: UpOptions, { home }: Context): Promise<Declaration> {
  refuseSecond(home);
  const { findings, declaration } = await checkEnvironment({ home, sample: options.sample ?? false });
  refuseProblems(findings);
  if (declaration === null) throw new Error('a declaration that could not be read was no problem');
  for (const notice of declaration.notices) console.error(style('yellow', `notice: ${notice}`));
  return declaration;
}

/** What a start would make in the database that is given. */
async function dryRun(options: UpOptions, context: Context): Promise<void> {
  const { database, monolith } = await refuseUnfit(options, context);
  const databaseUrl = database?.kind === 'given' ? database.url : null;
  if (options.port !== undefined) refuseProblems([await checkPort(options.port)]);
  const statements = databaseUrl === null ? [] : await planBanyanSchema(databaseUrl);
  const feed = feedName(context.home) ?? 'banyan_<id>';
  const later = `replication slot and publication ${feed}: at the start; tables go into the publication when their slice is advanced`;
  if (context.json) {
    const next = ['banyan up'];
    console.log(JSON.stringify({ schema_version: 1, dryRun: true, statements, later, next_steps: next }));
    return;
  }
  if (database === null) console.log('no slice copies a table: no database is touched');
  else if (databaseUrl === null)
    console.log('a PostgreSQL of its own would be started; nothing else is touched');
  else if (statements.length === 0)
    console.log("Banyan's own schema is up to date; nothing would be made in it");
  else console.log(`would make Banyan's own schema:\n${statements.map((each) => `  ${each};`).join('\n')}`);
  if (databaseUrl !== null) console.log(`would make the ${later}`);
  if (databaseUrl !== null && monolith.running.kind === 'command')
    console.log('would start the monolith, which makes there what it makes');
}

/** What a start is told with. */
interface Starting {
  readonly context: Context;
  readonly declaration: Declaration;
  readonly startedAtMs: number;
}

/** Prints where things are, once all of them answer. */
function announce(run: RunState, { context, declaration, startedAtMs }: Starting): void {
  const slice = declaration.config.slices[0]?.name ?? '';
  const seconds = ((Date.now() - startedAtMs) / 1_000).toFixed(1);
  if (context.json) {
    const { publicUrl, monolithUrl, controlUrl, proxyAdminUrl, stack } = run;
    const next = ['banyan status', `banyan advance ${slice}`, 'banyan down'];
    printJson({
      schema_version: 1,
      event: 'ready',
      stack,
      publicUrl,
      [FIRST_PUBLIC_URL]: publicUrl, // programs of earlier versions read it
      monolithUrl,
      controlUrl,
      proxyAdminUrl,
      home: context.home.dir,
      seconds: Number(seconds),
      next_steps: next,
    });
    return;
  }
  console.log(`${style('green', 'ready')} after ${seconds} s`);
  console.log(`  public    ${style('bold', run.publicUrl)}   (through the proxy)`);
  console.log(`  monolith  ${run.monolithUrl}   (behind it)`);
  if (run.stack === 'kafka') {
    for (const { name, url } of run.processes.filter((each) =>
      ['postgres', 'kafka', 'connect'].includes(each.name),
    )) {
      console.log(`  ${name.padEnd(8)}  ${url ?? '-'}`);
    }
  }
  console.log('next, in another terminal:');
  console.log(`  ${style('bold', 'npx banyan status --watch')}`);
  console.log(`  ${style('bold', `npx banyan advance ${slice} --wait`)}`);
}

/** Starts everything and stays in the foreground until Ctrl-C, or with `--detach` returns once all is ready. */
export async function up(options: UpOptions, context: Context): Promise<void> {
  const startedAtMs = Date.now();
  if (options.dryRun) {
    await dryRun(options, context);
    return;
  }
  const declaration = await refuseUnfit(options, context);
  if (options.detach) {
    await upDetached(options, { context, declaration, startedAtMs });
    return;
  }

  const stopping = Promise.withResolvers<string>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopping.resolve(signal));
  }
  const starting = Supervisor.start({
    home: context.home,
    declaration,
    customers: options.customers,
    ...(options.stack === undefined ? {} : { stack: options.stack }),
    publicPort: options.port,
    onProgress: (line) => {
      if (!context.json) console.log(style('dim', line));
    },
  });
  const first = await Promise.race([starting, stopping.promise]);
  if (typeof first === 'string') {
    // Interrupted while starting: what has come up is ended as soon as there is something to end.
    await (await starting).close();
    process.exitCode = 130;
    return;
  }
  announce(first.runState, { context, declaration, startedAtMs });
  if (!context.json) console.log(style('dim', 'Ctrl-C stops all of it; the state stays.'));
  await stopping.promise;
  if (!context.json) console.log('stopping');
  await first.close();
  if (!context.json) console.log('stopped');
}

async function upDetached(options: UpOptions, starting: Starting): Promise<void> {
  const { context } = starting;
  const { home } = context;
  mkdirSync(home.logsDir, { recursive: true, mode: 0o700 });
  const logFile = join(home.logsDir, 'up.log');
  const log = openSync(logFile, 'w', 0o600);
  const args = [process.argv[1] ?? '', 'up', '--customers', String(options.customers)];
  if (options.port !== undefined) args.push('--port', String(options.port));
  if (options.stack !== undefined) args.push('--stack', options.stack);
  if (options.sample) args.push('--sample');
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: process.env,
  });
  closeSync(log);
  const ended = new AbortController();
  child.once('exit', () => ended.abort());
  child.unref();
  if (!context.json) console.log(style('dim', 'starting; the first time takes a little longer'));
  while (!ended.signal.aborted) {
    const run = readRunState(home);
    if (run?.state === 'ready' && run.supervisorPid === child.pid) {
      announce(run, starting);
      return;
    }
    await sleep(50);
  }
  throw new CommandError({
    code: 'up-failed',
    message: 'Banyan did not start.',
    evidence: readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15),
    nextSteps: ['banyan doctor', 'banyan up'],
    exitCode: 3,
  });
}
