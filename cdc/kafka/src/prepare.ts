import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brokerAnswers } from './broker-answers.ts';
import type { KafkaFiles } from './download.ts';
import { findJavaTools } from './java.ts';
import { KafkaStackError } from './kafka-stack-error.ts';
import { renderConnectProperties, renderServerProperties, type KafkaProperties } from './properties.ts';

const run = promisify(execFile);
const FORMAT_TIMEOUT_MS = 60_000;
const ASK_TIMEOUT_MS = 2_000;
const log4j = join(import.meta.dirname, '..', 'log4j2.xml');

/** What a supervisor needs to run broker or Connect as a process of its own. SIGTERM ends either in order. */
export interface PreparedProcess {
  readonly name: 'kafka' | 'connect';
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Where it listens. */
  readonly url: string;
  /** Asks once whether it can serve. Never throws; takes 2 s at most. */
  readonly isReady: (signal: AbortSignal) => Promise<boolean>;
}

export interface KafkaPorts {
  readonly kafka: number;
  readonly controller: number;
  readonly connect: number;
}

export interface PrepareKafkaOptions {
  readonly files: KafkaFiles;
  /** Holds Kafka's data and both property files. Made on first use, kept afterwards. */
  readonly dir: string;
  readonly ports: KafkaPorts;
  /** Folder of the files that connectors may name as secrets. Default `DIR/secrets`. */
  readonly secretsDir?: string;
  /** Most heap in MB: broker 256, Connect 288 by default. */
  readonly heapMb?: { readonly kafka?: number; readonly connect?: number };
  /** Compiles hot code fully: faster for long, slower to start. Default false. */
  readonly fullyCompiled?: boolean;
  /** Connect's exactly-once source support. Default true; false only to measure what it costs. */
  readonly exactlyOnce?: boolean;
  /** Properties of the broker and of each worker, over and beside ours: other listeners, say. */
  readonly properties?: { readonly broker?: KafkaProperties; readonly worker?: KafkaProperties };
}

export interface PreparedKafka {
  /** For Kafka's clients, e.g. `127.0.0.1:9092`. */
  readonly bootstrapServers: string;
  /** Connect's REST API, e.g. `http://127.0.0.1:8083`. */
  readonly connectUrl: string;
  readonly secretsDir: string;
  readonly broker: PreparedProcess;
  /** Wants the broker to be ready first. */
  readonly connect: PreparedProcess;
  /** Another worker of the same group, whose REST API listens at another port. */
  readonly anotherWorker: (port: number) => PreparedProcess;
}

/**
 * Writes both property files, formats Kafka's storage at the first time, and says how to start broker and Connect.
 *
 * @throws KafkaStackError `tools-missing` or `format-failed`.
 */
export async function prepareKafka(options: PrepareKafkaOptions): Promise<PreparedKafka> {
  const { files, dir, ports, heapMb = {}, secretsDir = join(dir, 'secrets') } = options;
  const { java } = await findJavaTools({ needsMaven: false });
  const paths = {
    data: join(dir, 'data'),
    server: join(dir, 'server.properties'),
  };
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  mkdirSync(secretsDir, { recursive: true, mode: 0o700 });
  const bootstrapServers = `127.0.0.1:${ports.kafka}`;
  writeFileSync(
    paths.server,
    renderServerProperties({
      port: ports.kafka,
      controllerPort: ports.controller,
      dataDir: paths.data,
      further: options.properties?.broker,
    }),
  );
  const flags = (heap: number): readonly string[] => [
    `-Xmx${heap}m`,
    '-XX:+UseSerialGC',
    '-XX:+ExitOnOutOfMemoryError',
    ...(options.fullyCompiled ? [] : ['-XX:TieredStopAtLevel=1']),
    `-Dlog4j2.configurationFile=${log4j}`,
    '-cp',
    files.classPath,
  ];
  await formatOnce({ java, flags: flags(128), server: paths.server, dataDir: paths.data });
  const process = { command: java, cwd: dir };
  const worker = (restPort: number, file: string): PreparedProcess => {
    const properties = join(dir, file);
    const { pluginsDir } = files;
    const exactlyOnce = options.exactlyOnce ?? true;
    writeFileSync(
      properties,
      renderConnectProperties({
        restPort,
        bootstrapServers,
        pluginsDir,
        secretsDir,
        exactlyOnce,
        further: options.properties?.worker,
      }),
    );
    const url = `http://127.0.0.1:${restPort}`;
    return {
      ...process,
      name: 'connect',
      args: [...flags(heapMb.connect ?? 288), 'org.apache.kafka.connect.cli.ConnectDistributed', properties],
      url,
      isReady: (signal) => connectAnswers(url, signal),
    };
  };
  const connect = worker(ports.connect, 'connect-distributed.properties');
  return {
    bootstrapServers,
    connectUrl: connect.url,
    secretsDir,
    broker: {
      ...process,
      name: 'kafka',
      args: [...flags(heapMb.kafka ?? 256), 'kafka.Kafka', paths.server],
      url: `kafka://${bootstrapServers}`,
      isReady: (signal) => brokerAnswers(ports.kafka, signal),
    },
    connect,
    anotherWorker: (port) => worker(port, `connect-distributed-${port}.properties`),
  };
}

/** Makes the storage when there is none. A formatting that was killed half-way is begun anew: nobody has used it. */
async function formatOnce(options: {
  readonly java: string;
  readonly flags: readonly string[];
  readonly server: string;
  readonly dataDir: string;
}): Promise<void> {
  const { java, flags, server, dataDir } = options;
  const marker = `${dataDir}.formatted`;
  if (existsSync(marker)) return;
  rmSync(dataDir, { recursive: true, force: true });
  const clusterId = randomBytes(16).toString('base64url');
  try {
    await run(
      java,
      // `=`: an id may begin with a dash.
      [
        ...flags,
        'kafka.tools.StorageTool',
        'format',
        '--standalone',
        `--cluster-id=${clusterId}`,
        '-c',
        server,
      ],
      { timeout: FORMAT_TIMEOUT_MS },
    );
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string };
    const said = `${stdout}${stderr}`.trim().split('\n').slice(-8).join('\n');
    throw new KafkaStackError('format-failed', `Kafka's storage in ${dataDir} could not be made:\n${said}`, {
      cause,
    });
  }
  // Written last: its presence says that the storage is whole.
  writeFileSync(marker, `${clusterId}\n`);
}

/** `/health` answers 200 once the worker has read its topics and is a member of its group (KIP-1017). */
async function connectAnswers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]),
    });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false; // not listening yet
  }
}
