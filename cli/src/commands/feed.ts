import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { routesSnapshotSchema } from '@banyan/contracts';
import { printableJson } from '@banyan/kit';
import pg from 'pg';
import type { Home } from '../home.ts';
import { describeFailure } from '../checks/system-failure.ts';
import { CommandError } from '../output/command-error.ts';
import { asTyped, bytes, printJson } from '../output/terminal.ts';
import { feedName } from '../supervise/installation.ts';
import { whoami, type Context } from './context.ts';

export interface FeedDropOptions {
  readonly reason: string;
  readonly dryRun?: boolean;
  /** Another slot than Banyan's own: one that an earlier set-up left behind. */
  readonly slot?: string;
}

/** A slot that is to be dropped, as the server has it. */
interface FoundSlot {
  readonly plugin: string | null;
  readonly active_pid: number | null;
  readonly retained: string | null;
  readonly is_here: boolean;
}

/**
 * Drops a replication slot and the publication of the same name, which frees the WAL that the server keeps for it.
 * Refused while a slice needs the feed, while somebody reads the slot, and for slots that are not of Banyan's kind.
 *
 * @throws CommandError
 */
export async function feedDrop(options: FeedDropOptions, context: Context): Promise<void> {
  const { home, json } = context;
  const own = feedName(home);
  const slot = options.slot ?? own ?? unknownSlot();
  const needed = slot === own ? slicesInNeed(home) : [];
  if (needed.length > 0) {
    throw new CommandError({
      code: 'feed-needed',
      message: `The feed is needed: dropping it would leave copies that no longer follow.`,
      evidence: needed.map(({ name, phase }) => `slice ${name} is in ${phase}`),
      nextSteps: needed.map(({ name }) => `banyan rollback ${name} --reason "..."`),
      exitCode: 1,
    });
  }
  const done = await onDatabase(home, async (client) => {
    const found = await findSlot(client, slot);
    refuseForeign(slot, found);
    const publication = await hasPublication(client, slot);
    if (!options.dryRun) {
      // 1. The slot, which is what keeps WAL. 2. The publication, that a slot would miss.
      if (found) await client.query('SELECT pg_drop_replication_slot($1)', [slot]);
      if (publication) await client.query(`DROP PUBLICATION ${pg.escapeIdentifier(slot)}`);
      note(home, { at: new Date().toISOString(), by: whoami(), dropped: slot, reason: options.reason });
    }
    return { found, publication };
  });
  const { found, publication } = done;
  const freedBytes = found?.retained == null ? null : Number(found.retained);
  const next = slot === own ? ['banyan up'] : ['banyan status'];
  if (json) {
    const what = { slot: found !== null, publication, freed_wal_bytes: freedBytes };
    printJson({
      schema_version: 1,
      name: slot,
      dryRun: options.dryRun ?? false,
      dropped: what,
      next_steps: next,
    });
    return;
  }
  const verb = options.dryRun ? 'would drop' : 'dropped';
  console.log(found ? `${verb} slot ${slot}: ${bytes(freedBytes)} of WAL` : `there is no slot ${slot}`);
  if (publication) console.log(`${verb} publication ${slot}`);
  console.log(asTyped(`next: ${next.join('  ·  ')}`));
}

/** Slices whose copy follows the feed, by the last routes that the proxy was given: control need not run. */
function slicesInNeed(home: Home): readonly { readonly name: string; readonly phase: string }[] {
  const file = home.file('routes-snapshot.json');
  if (!existsSync(file)) return []; // nothing was ever started here
  const parsed = routesSnapshotSchema.safeParse(parseJson(readFileSync(file, 'utf8')));
  if (!parsed.success) {
    throw new CommandError({
      code: 'phases-unknown',
      message: `Which slices need the feed is not known: ${file} holds no routes.`,
      evidence: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
      nextSteps: ['banyan up', 'banyan status'],
      exitCode: 3,
    });
  }
  return parsed.data.slices.filter(({ phase }) => phase !== 'monolith' && phase !== 'retired');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // the schema says that it is not what is wanted
  }
}

function unknownSlot(): never {
  throw new CommandError({
    code: 'slot-unknown',
    message: 'Which slot is meant is not known: nothing was started here.',
    nextSteps: [
      'banyan feed drop --slot NAME --reason "..."',
      'psql -c "SELECT slot_name FROM pg_replication_slots"',
    ],
    exitCode: 2,
  });
}

async function onDatabase<T>(home: Home, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const file = home.secret('source.url');
  const url = process.env['DATABASE_URL'] ?? (existsSync(file) ? readFileSync(file, 'utf8').trim() : null);
  if (!url) {
    throw new CommandError({
      code: 'no-database',
      message: 'Which database is meant is not known: nothing was started here, and DATABASE_URL is not set.',
      nextSteps: ['DATABASE_URL=postgres://... banyan feed drop --reason "..."'],
      exitCode: 3,
    });
  }
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 20_000,
  });
  try {
    await client.connect();
  } catch (cause) {
    throw new CommandError({
      code: 'database-unreachable',
      message: 'The database does not answer; while it is down no slot fills its disk.',
      evidence: [describeFailure(cause)],
      nextSteps: ['banyan doctor'],
      exitCode: 3,
      cause,
    });
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function findSlot(client: pg.Client, slot: string): Promise<FoundSlot | null> {
  const { rows } = await client.query<FoundSlot>(
    `SELECT plugin, active_pid, database = current_database() AS is_here,
       pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::text AS retained
     FROM pg_replication_slots WHERE slot_name = $1`,
    [slot],
  );
  return rows[0] ?? null;
}

async function hasPublication(client: pg.Client, name: string): Promise<boolean> {
  return (await client.query('SELECT FROM pg_publication WHERE pubname = $1', [name])).rowCount === 1;
}

function refuseForeign(slot: string, found: FoundSlot | null): void {
  if (!found) return;
  if (found.plugin !== 'pgoutput' || !found.is_here) {
    throw new CommandError({
      code: 'slot-foreign',
      message: `The slot "${slot}" is not of this database's feed (plugin ${found.plugin ?? 'none'}): not ours to drop.`,
      nextSteps: [`psql -c "SELECT pg_drop_replication_slot('${slot}')" # if you know whose it is`],
      exitCode: 2,
    });
  }
  if (found.active_pid !== null) {
    throw new CommandError({
      code: 'slot-in-use',
      message: `The slot "${slot}" is being read: it frees its WAL by itself.`,
      evidence: [`server process ${found.active_pid} sends to a reader`],
      nextSteps: ['banyan down', 'banyan status'],
      exitCode: 1,
    });
  }
}

/** The journal is the control plane's, and that does not run: a line of its own beside the logs. */
function note(home: Home, line: Readonly<Record<string, string>>): void {
  mkdirSync(home.logsDir, { recursive: true, mode: 0o700 });
  appendFileSync(join(home.logsDir, 'feed.log'), `${printableJson(line)}\n`);
}
