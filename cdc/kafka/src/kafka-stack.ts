import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { downloadKafka, type KafkaFiles } from './download.ts';
import { KafkaStackError } from './kafka-stack-error.ts';
import { prepareKafka, type KafkaPorts, type PrepareKafkaOptions, type PreparedProcess } from './prepare.ts';

const READY_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 50;

/** A process of the stack that tests kill and start again. */
export interface StackProcess {
  readonly pid: number | null;
  /** Starts it, where it does not run, and waits until it serves. @throws KafkaStackError `not-ready`. */
  start(): Promise<void>;
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>;
  /** SIGTERM, after 15 s SIGKILL, and waits for its end. Idempotent. */
  stop(): Promise<void>;
}

export interface KafkaStack {
  readonly bootstrapServers: string;
  readonly connectUrl: string;
  readonly secretsDir: string;
  readonly broker: StackProcess;
  readonly connect: StackProcess;
  /** Another worker of the same group, to be started; its REST API listens at `port`. */
  anotherWorker(port: number): StackProcess;
  /** Ends Connect's workers, then the broker. Idempotent. */
  close(): Promise<void>;
}

/**
 * Downloads where needed, starts broker and (unless `withConnect` is false) Connect, and waits until both serve.
 * For tests and for tools that need a Kafka of their own.
 *
 * @example
 * const stack = await startKafkaStack({ dir, ports: { kafka: 9092, controller: 9093, connect: 8083 } });
 */
export async function startKafkaStack(
  options: Omit<PrepareKafkaOptions, 'files'> & {
    readonly ports: KafkaPorts;
    readonly withConnect?: boolean;
    /** Default: what `downloadKafka()` gives. */
    readonly files?: KafkaFiles;
  },
): Promise<KafkaStack> {
  const prepared = await prepareKafka({ ...options, files: options.files ?? (await downloadKafka()) });
  const broker = new SpawnedProcess(prepared.broker);
  const connect = new SpawnedProcess(prepared.connect);
  const workers = [connect];
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await broker.stop();
  };
  try {
    await broker.start();
    if (options.withConnect ?? true) await connect.start();
  } catch (error) {
    await close();
    throw error;
  }
  const { bootstrapServers, connectUrl, secretsDir } = prepared;
  const anotherWorker = (port: number): StackProcess => {
    const worker = new SpawnedProcess(prepared.anotherWorker(port));
    workers.push(worker);
    return worker;
  };
  return { bootstrapServers, connectUrl, secretsDir, broker, connect, anotherWorker, close };
}

class SpawnedProcess implements StackProcess {
  readonly #prepared: PreparedProcess;
  readonly #logFile: string;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();

  constructor(prepared: PreparedProcess) {
    this.#prepared = prepared;
    this.#logFile = join(prepared.cwd, `${prepared.name}.log`);
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async start(): Promise<void> {
    const child = this.#child ?? this.#spawn();
    const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
    while (!(await this.#prepared.isReady(deadline))) {
      if (this.#child !== child) throw this.#notReady('ended while starting');
      if (deadline.aborted) throw this.#notReady(`did not answer within ${READY_TIMEOUT_MS / 1_000} s`);
      await sleep(POLL_MS);
    }
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #spawn(): ChildProcess {
    const { command, args, cwd } = this.#prepared;
    const log = openSync(this.#logFile, 'a', 0o600);
    const child = spawn(command, args, { cwd, stdio: ['ignore', log, log] });
    closeSync(log);
    const endWithUs = guard(child);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        endWithUs?.kill('SIGKILL');
        if (this.#child === child) this.#child = null;
        resolve();
      };
      child.once('error', end);
      child.once('exit', end);
    });
    return child;
  }

  #notReady(what: string): KafkaStackError {
    const tail = readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
    return new KafkaStackError('not-ready', `${this.#prepared.name} ${what}. It said last:\n${tail}`);
  }
}

/**
 * Ends a process when ours ends, killed or not: its guard reads from a pipe that we hold. In a session of its own, so
 * that Ctrl-C at a terminal does not end the guard first.
 */
function guard(child: ChildProcess): ChildProcess | null {
  if (child.pid === undefined) return null; // it could not be started
  const script = 'read -r _; kill -9 "$0"';
  const ended = spawn('sh', ['-c', script, String(child.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  ended.stdin.on('error', () => undefined); // it was ended with its process
  ended.unref();
  return ended;
}
