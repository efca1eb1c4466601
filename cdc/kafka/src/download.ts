import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findJavaTools } from './java.ts';
import { KafkaStackError } from './kafka-stack-error.ts';

const packageDir = join(import.meta.dirname, '..');
const pom = join(packageDir, 'pom.xml');
/** Ignored by git and by every tool of the checkout; `npm ci` empties it, and Maven's own cache fills it again. */
const defaultCacheDir = join(packageDir, '..', '..', 'node_modules', '.cache', 'banyan-kafka');
const DOWNLOAD_TIMEOUT_MS = 15 * 60_000;
const PARTIAL = 'partial-';

/** Kafka, Connect and the connectors on this machine. */
export interface KafkaFiles {
  /** Java's class path of broker and Connect. */
  readonly classPath: string;
  /** One folder a connector, Connect's `plugin.path`. */
  readonly pluginsDir: string;
}

export interface DownloadOptions {
  /** Default: a folder of the checkout, `node_modules/.cache/banyan-kafka`. */
  readonly cacheDir?: string;
  /** Adds Debezium's JDBC sink (61 MB), which only `bench/` compares with. Default false. */
  readonly withJdbcSink?: boolean;
  /** Gets lines for people, e.g. `downloading: 12 files, kafka-clients-4.3.0.jar`. */
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Gives what `pom.xml` names, downloaded by Maven where it is not there yet. A folder has its final name only when
 * it is whole, and the name holds the pom's hash, so that other versions are another folder.
 *
 * @throws KafkaStackError `tools-missing` or `download-failed`.
 */
export async function downloadKafka(options: DownloadOptions = {}): Promise<KafkaFiles> {
  const { cacheDir = defaultCacheDir, withJdbcSink = false, signal } = options;
  const wanted = `${readFileSync(pom, 'utf8')}${withJdbcSink ? 'jdbc-sink' : ''}`;
  const dir = join(cacheDir, createHash('sha256').update(wanted).digest('hex').slice(0, 12));
  if (!existsSync(dir)) {
    await findJavaTools();
    signal?.throwIfAborted();
    mkdirSync(cacheDir, { recursive: true });
    removeLeftovers(cacheDir);
    const partial = join(cacheDir, `${PARTIAL}${process.pid}-${randomBytes(4).toString('hex')}`);
    try {
      await runMaven(partial, options);
      adopt(partial, dir);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  return { classPath: join(dir, 'lib', '*'), pluginsDir: join(dir, 'plugins') };
}

function adopt(partial: string, dir: string): void {
  try {
    renameSync(partial, dir);
  } catch (error) {
    // Somebody else downloaded the same meanwhile: his is as good.
    if (!existsSync(dir)) throw error;
  }
}

/** Removes what downloads left that were killed. */
function removeLeftovers(cacheDir: string): void {
  for (const name of readdirSync(cacheDir)) {
    const pid = Number(new RegExp(`^${PARTIAL}(\\d+)-`).exec(name)?.[1] ?? NaN);
    if (!Number.isNaN(pid) && !isAlive(pid)) rmSync(join(cacheDir, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function runMaven(dir: string, options: DownloadOptions): Promise<void> {
  const { withJdbcSink = false, onProgress, signal } = options;
  const deadline = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
  const child = spawn(
    'mvn',
    ['-B', '-f', pom, 'package', `-Dstack.dir=${dir}`, ...(withJdbcSink ? ['-Pjdbc-sink'] : [])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    },
  );
  const errors: string[] = [];
  let files = 0;
  const read = (line: string): void => {
    const file = /Downloaded from \S+: \S*\/(\S+\.(?:jar|gz)) /.exec(line)?.[1];
    if (file) onProgress?.(`downloading: ${++files} files, ${file}`);
    if (line.includes('ERROR')) errors.push(line);
  };
  createInterface({ input: child.stdout }).on('line', read);
  createInterface({ input: child.stderr }).on('line', read);
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      if (signal?.aborted) reject(signal.reason as Error);
      else reject(downloadError(`Maven failed: ${cause.message}`, errors, cause));
    });
    // 'close' comes after the last line was read, unlike 'exit'.
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(downloadError(`Maven ended with exit code ${code ?? '?'}`, errors));
    });
  });
}

function downloadError(what: string, errors: readonly string[], cause?: Error): KafkaStackError {
  const lines = errors.slice(0, 8).map((line) => line.slice(0, 400));
  return new KafkaStackError(
    'download-failed',
    [
      `Kafka and Debezium could not be downloaded. ${what}.`,
      ...lines,
      `To see all: mvn -f ${pom} package`,
    ].join('\n'),
    { cause },
  );
}
