import { existsSync, statfsSync } from 'node:fs';
import { freemem } from 'node:os';
import type { StatusReport } from '@banyan/contracts';
import pg from 'pg';
import { findJavaTools, KafkaStackError } from '@banyan/kafka';
import { findFreePort } from '@banyan/postgres';
import { projectRoot } from '../home.ts';
import { asTyped, bytes, style } from '../output/terminal.ts';
import { readRunState } from '../supervise/run-state.ts';
import { readStack } from '../supervise/stack-choice.ts';
import { ControlClient } from '../control-client.ts';
import { CommandError } from '../output/command-error.ts';
import { freeOtherWal, freeOwnWal } from '../output/feed-text.ts';
import { endTransaction, transactionText } from '../output/waits-text.ts';
import type { Context } from './context.ts';

interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'problem';
  readonly got: string;
  readonly remedy: string | null;
}

const ok = (check: string, got: string): Finding => ({ check, verdict: 'ok', got, remedy: null });

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18)
    ? ok('Node', process.versions.node)
    : {
        check: 'Node',
        verdict: 'problem',
        got: process.versions.node,
        remedy: 'npm run setup installs Node 24 here',
      };
}

function checkDisk(dir: string): Finding {
  const { bavail, bsize } = statfsSync(existsSync(dir) ? dir : projectRoot);
  const free = bavail * bsize;
  return free > 1_000_000_000
    ? ok('free disk', bytes(free))
    : {
        check: 'free disk',
        verdict: 'problem',
        got: bytes(free),
        remedy: 'free at least 1 GB beside the state folder',
      };
}

function checkMemory(): Finding {
  const free = freemem();
  return free > 700_000_000
    ? ok('free memory', bytes(free))
    : { check: 'free memory', verdict: 'warning', got: bytes(free), remedy: 'about 700 MB are wanted' };
}

async function checkPort(): Promise<Finding> {
  return ok('a free port', String(await findFreePort()));
}

/** Of the full stack alone. */
async function checkJava(context: Context): Promise<Finding[]> {
  if ((readStack(context.home) ?? process.env['BANYAN_STACK']) !== 'kafka') return [];
  try {
    const { java, javaVersion } = await findJavaTools({ needsMaven: false });
    return [ok('Java', `${javaVersion} (${java})`)];
  } catch (error) {
    if (!(error instanceof KafkaStackError)) throw error;
    return [{ check: 'Java', verdict: 'problem', got: error.message, remedy: 'banyan up --stack kafka' }];
  }
}

/** For a database of one's own: what the feed needs of it. */
async function checkDatabase(url: string): Promise<Finding[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
  });
  try {
    await client.connect();
    const { rows } = await client.query<{
      version: number;
      wal_level: string;
      free_slots: number;
      replication: boolean;
    }>(
      `SELECT current_setting('server_version_num')::int AS version, current_setting('wal_level') AS wal_level,
              current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots)::int AS free_slots,
              (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user) AS replication`,
    );
    const row = rows[0];
    if (!row) throw new Error('no answer');
    const check = (name: string, good: boolean, got: string, remedy: string): Finding =>
      good ? ok(name, got) : { check: name, verdict: 'problem', got, remedy };
    return [
      check('PostgreSQL 15 or newer', row.version >= 150_000, String(row.version), 'upgrade the server'),
      check(
        'wal_level',
        row.wal_level === 'logical',
        row.wal_level,
        "ALTER SYSTEM SET wal_level = 'logical'; restart",
      ),
      check(
        'a free replication slot',
        row.free_slots > 0,
        String(row.free_slots),
        'raise max_replication_slots',
      ),
      check('role may replicate', row.replication, String(row.replication), 'ALTER ROLE ... REPLICATION'),
    ];
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    return [
      { check: 'DATABASE_URL', verdict: 'problem', got, remedy: 'is the server up, and the URL right?' },
    ];
  } finally {
    await client.end().catch(() => undefined); // a connection that never was
  }
}

async function checkProcesses(context: Context): Promise<Finding[]> {
  const run = readRunState(context.home);
  if (!run) return [{ check: 'running', verdict: 'warning', got: 'nothing runs here', remedy: 'banyan up' }];
  return Promise.resolve(
    run.processes.map(({ name, state, restarts, lastExit }) =>
      state === 'ready'
        ? ok(`process ${name}`, `ready, ${restarts} restarts`)
        : {
            check: `process ${name}`,
            verdict: 'problem' as const,
            got: `${state}, last: ${lastExit ?? '-'}`,
            remedy: `less ${context.home.logsDir}/${name}.log`,
          },
    ),
  );
}

/** What the control plane knows: kept WAL, and copies that wait. Unknown while it does not answer, which `checkProcesses` says too. */
async function checkFeed(context: Context): Promise<Finding[]> {
  if (!readRunState(context.home)) return [];
  let report: StatusReport;
  try {
    report = await ControlClient.open(context.home).status(AbortSignal.timeout(5_000));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [{ check: 'kept WAL', verdict: 'warning', got: 'unknown', remedy: 'banyan status' }];
  }
  const { feed, slices } = report;
  return [
    keptWal(`kept WAL, slot ${feed.slot}`, feed.retention, freeOwnWal(feed)),
    ...feed.otherSlots.map(({ name, retention }) =>
      keptWal(`kept WAL, slot ${name}, which nobody reads`, retention, freeOtherWal(name)),
    ),
    ...slices.flatMap(({ name, waitsFor = [] }) =>
      waitsFor.map((each): Finding => {
        const check = `the copy of ${name} stands still, and may wait for`;
        return { check, verdict: 'warning', got: transactionText(each), remedy: endTransaction(each) };
      }),
    ),
  ];
}

function keptWal(check: string, retention: StatusReport['feed']['retention'], remedy: string): Finding {
  const { level, text } = retention;
  if (level === 'ok') return ok(check, text);
  if (level === 'unknown') return { check, verdict: 'warning', got: text, remedy: 'banyan status' };
  return { check, verdict: level === 'warning' ? 'warning' : 'problem', got: text, remedy };
}

/** Looks at what Banyan needs, and says how to mend what is not so. Exit code 3 with a problem. */
export async function doctor(context: Context): Promise<void> {
  const url = process.env['DATABASE_URL'];
  const findings = [
    checkNode(),
    checkDisk(context.home.dir),
    checkMemory(),
    await checkPort(),
    ...(url ? await checkDatabase(url) : [ok('PostgreSQL', 'embedded (DATABASE_URL is not set)')]),
    ...(await checkJava(context)),
    ...(await checkProcesses(context)),
    ...(await checkFeed(context)),
  ];
  if (findings.some(({ verdict }) => verdict === 'problem')) process.exitCode = 3;
  if (context.json) {
    const next = findings.flatMap(({ remedy }) => (remedy ? [remedy] : []));
    console.log(JSON.stringify({ schema_version: 1, findings, next_steps: next }));
    return;
  }
  const colour = { ok: 'green', warning: 'yellow', problem: 'red' } as const;
  for (const { check, verdict, got, remedy } of findings) {
    console.log(`${style(colour[verdict], verdict.padEnd(8))} ${check}: ${got}`);
    if (remedy) console.log(`         ${asTyped(remedy)}`);
  }
}
