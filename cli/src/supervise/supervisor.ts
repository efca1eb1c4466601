import { mkdirSync, writeFileSync } from 'node:fs';
import { secretsIn } from '@banyan/contracts';
import { downloadKafka, prepareKafka, KafkaStackError, type PreparedKafka } from '@banyan/kafka';
import { prepareCluster } from '@banyan/postgres';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Declaration, GivenKafka } from '../config/declared.ts';
import { ControlClient } from '../control-client.ts';
import type { Home } from '../home.ts';
import { CommandError } from '../output/command-error.ts';
import { ensureDatabase, migrateBanyanSchema, type DatabaseUrls } from './database.ts';
import { ensureInstallation, feedName } from './installation.ts';
import { readHealthConfig, type HealthConfig } from './health-config.ts';
import { addressOf, urlsOf, type Plan } from './plan.ts';
import { choosePorts, type Ports } from './ports.ts';
import { customersSpec, installationSpecs, javaSpec, postgresSpec } from './processes.ts';
import type { ProcessSpec } from './process-spec.ts';
import { Reaper } from './reaper.ts';
import { processStartedAt, readRunState, removeRunState, runStateText, type RunState } from './run-state.ts';
import { PersistentFile } from './persistent-file.ts';
import { ensureSecrets, readSecret } from './secrets.ts';
import { chooseStack, rememberStack, type StackName } from './stack-choice.ts';
import { SupervisedProcess } from './supervised-process.ts';
import { chooseTopicPrefix, rememberTopicPrefix } from './topic-prefix.ts';

/** The database's password for Connect alone, which takes a file as it is: no newline at its end. */
const CONNECT_PASSWORD_FILE = 'source.password';
const FED_TIMEOUT_MS = 60_000;
const FED_POLL_MS = 200;

export interface SupervisorOptions {
  readonly home: Home;
  /** Port for customers; default what is declared, the last one, 8080 at first, or a free one. */
  readonly publicPort?: number | undefined;
  /** Built-in customers to run. Default 0. */
  readonly customers?: number;
  /** `embedded` or `kafka`. Default the one that the home was begun on, else `embedded`. */
  readonly stack?: StackName;
  readonly declaration: Declaration;
  /** Told what is being done, a line a step. */
  readonly onProgress: (line: string) => void;
}

/** @throws CommandError `already-running` when this home has a supervisor that is alive. */
export function refuseSecond(home: Home): void {
  const running = readRunState(home);
  if (!running) return;
  throw new CommandError({
    code: 'already-running',
    message: `Banyan runs already: ${running.publicUrl}`,
    evidence: [`process ${running.supervisorPid} supervises ${home.dir}`],
    nextSteps: ['banyan status', 'banyan down'],
    exitCode: 3,
  });
}

/** A Kafka that answers; `own` when we started it. */
interface RunningKafka extends GivenKafka {
  readonly own: PreparedKafka | null;
}

const stackOf = (declared: Declaration['config']['stack']): StackName | undefined =>
  typeof declared === 'object' ? 'kafka' : declared;

/** Of the database that we make, and of the role that owns it: no name of ours. */
const databaseName = (topicPrefix: string): string =>
  ['banyan', 'postgres'].includes(topicPrefix) ? 'monolith' : topicPrefix;

/** What a start settles before anything runs. */
interface Chosen {
  readonly ports: Ports;
  readonly stack: StackName;
  readonly topicPrefix: string;
  readonly health: HealthConfig;
}

/** Names of secrets that the declaration asks for. */
function declaredSecrets({ monolith, services }: Declaration): string[] {
  const texts = [monolith, ...services].flatMap(({ running }) =>
    running.kind === 'urls'
      ? []
      : [...(running.kind === 'command' ? running.command : []), ...Object.values(running.env)],
  );
  return secretsIn(texts);
}

/** Starts all processes, keeps each running, and ends them in order. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #home: Home;
  readonly #ports: Ports;
  readonly #stack: StackName;
  readonly #topicPrefix: string;
  readonly #health: HealthConfig;
  readonly #reaper = new Reaper();
  readonly #processes: SupervisedProcess[] = [];
  readonly #runFile: PersistentFile;
  readonly #customersFile: PersistentFile;
  #state: RunState['state'] = 'starting';
  #closing: Promise<void> | null = null;

  private constructor(options: SupervisorOptions, { ports, stack, topicPrefix, health }: Chosen) {
    this.#stack = stack;
    this.#topicPrefix = topicPrefix;
    this.#health = health;
    this.#options = options;
    this.#home = options.home;
    this.#ports = ports;
    this.#runFile = new PersistentFile(options.home.runFile);
    this.#customersFile = new PersistentFile(options.home.customersFile);
  }

  /**
   * @throws CommandError `already-running` when this home has a supervisor, `config-invalid`, `other-stack`, `tools-missing`, `port-taken`, or
   * `process-not-starting` with the end of that process's log; whatever was started has ended then.
   */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const { home, declaration } = options;
    refuseSecond(home);
    const { limits, stack: declared, listen } = declaration.config;
    const stack = chooseStack(home, options.stack ?? stackOf(declared));
    const topicPrefix = chooseTopicPrefix(home, declaration.topicPrefix);
    const health = readHealthConfig(limits);
    mkdirSync(home.dir, { recursive: true, mode: 0o700 });
    ensureInstallation(home);
    mkdirSync(home.logsDir, { recursive: true, mode: 0o700 });
    writeFileSync(home.file('.gitignore'), '*\n'); // a home of any name, in any checkout
    ensureSecrets(home, declaredSecrets(declaration));
    const services = declaration.services
      .filter(({ running }) => running.kind !== 'urls')
      .map(({ name }) => name);
    const ports = await choosePorts(home, { services, publicPort: options.publicPort ?? listen.port });
    const supervisor = new Supervisor(options, { ports, stack, topicPrefix, health });
    supervisor.#save();
    try {
      await supervisor.#startAll();
    } catch (error) {
      await supervisor.close();
      throw error;
    }
    return supervisor;
  }

  get runState(): RunState {
    const urls = urlsOf(this.#ports);
    return {
      schema_version: 1,
      supervisorPid: process.pid,
      supervisorStartedAt: processStartedAt(process.pid) ?? '',
      state: this.#state,
      publicUrl: urls.public,
      stack: this.#stack,
      monolithUrl: this.#monolithUrl,
      controlUrl: urls.control,
      proxyAdminUrl: urls.proxyAdmin,
      processes: this.#processes.map(({ state }) => state),
    };
  }

  get #monolithUrl(): string {
    return addressOf(this.#options.declaration.monolith, this.#ports);
  }

  /** Ends the processes, those that ask before those that answer. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#stopAll();
    return this.#closing;
  }

  async #startAll(): Promise<void> {
    const { onProgress, declaration, customers = 0 } = this.#options;
    // All settled, so that whoever ends us finds every process that was started.
    const [database, broker] = await Promise.allSettled([this.#startDatabase(), this.#startKafka()]);
    if (database.status === 'rejected') throw database.reason;
    if (broker.status === 'rejected') throw broker.reason;
    const [databases, kafka] = [database.value, broker.value];
    const hasFeed = databases !== null;
    if (kafka?.own && hasFeed) this.#writeConnectPassword(kafka.own, databases.banyan);
    rememberTopicPrefix(this.#home, this.#topicPrefix);
    rememberStack(this.#home, this.#stack); // nothing of the other one was made before
    const plan: Plan = {
      home: this.#home,
      ports: this.#ports,
      declaration,
      databases,
      kafka,
      topicPrefix: this.#topicPrefix,
      feed: feedName(this.#home) ?? '',
      health: this.#health,
    };
    const specs = installationSpecs(plan);
    onProgress(`starting ${specs.map(({ name }) => name).join(', ')}`);
    await Promise.all(specs.map((spec) => this.#start(spec)));
    if (kafka && hasFeed) {
      onProgress('waiting until Debezium reads the database');
      await this.#untilFed();
    }
    if (customers > 0) {
      onProgress(`starting ${customers} built-in customers`);
      const onLine = (line: string): void => this.#customersFile.write(`${line}\n`);
      await this.#start(customersSpec(urlsOf(this.#ports).public, customers, onLine));
    }
    this.#state = 'ready';
    this.#save();
  }

  /** @returns null where nobody needs one. */
  async #startDatabase(): Promise<DatabaseUrls | null> {
    const { database } = this.#options.declaration;
    if (database === null) return null;
    const databases =
      database.kind === 'made'
        ? await this.#makeDatabase()
        : { monolith: database.url, banyan: database.url };
    await migrateBanyanSchema(databases.banyan);
    // A file, so that the URL with its password stands in no other process's environment.
    writeFileSync(this.#home.secret('source.url'), databases.banyan, { mode: 0o600 });
    return databases;
  }

  async #makeDatabase(): Promise<DatabaseUrls> {
    this.#options.onProgress('starting PostgreSQL');
    const cluster = await prepareCluster({ dir: this.#home.file('postgres'), port: this.#ports.postgres });
    await this.#start(postgresSpec(cluster));
    const passwords = {
      monolith: readSecret(this.#home, 'monolith.password'),
      banyan: readSecret(this.#home, 'banyan.password'),
    };
    return ensureDatabase({ passwords, adminUrl: cluster.adminUrl, name: databaseName(this.#topicPrefix) });
  }

  /** @returns null for the embedded stack. */
  async #startKafka(): Promise<RunningKafka | null> {
    if (this.#stack === 'embedded') return null;
    const { kafka: given } = this.#options.declaration;
    if (given) return { ...given, own: null };
    const { onProgress } = this.#options;
    const { kafka, kafkaController: controller, connect } = this.#ports;
    try {
      const files = await downloadKafka({ onProgress });
      onProgress('starting Kafka and Kafka Connect');
      const prepared = await prepareKafka({
        files,
        dir: this.#home.file('kafka'),
        ports: { kafka, controller, connect },
      });
      await this.#start(javaSpec(prepared.broker, 5));
      await this.#start(javaSpec(prepared.connect, 4));
      const connectPassword = `\${dir:${prepared.secretsDir}:${CONNECT_PASSWORD_FILE}}`;
      return { ...prepared, connectPassword, security: {}, own: prepared };
    } catch (cause) {
      if (!(cause instanceof KafkaStackError)) throw cause;
      const nextSteps = ['banyan up --stack kafka', 'banyan up --stack embedded'];
      throw new CommandError({ code: cause.code, message: cause.message, nextSteps, exitCode: 3, cause });
    }
  }

  #writeConnectPassword({ secretsDir }: PreparedKafka, url: string): void {
    const password = decodeURIComponent(new URL(url).password);
    writeFileSync(join(secretsDir, CONNECT_PASSWORD_FILE), password, { mode: 0o600 });
  }

  /** A connector that says RUNNING reads nothing yet: the control plane tells when it does. */
  async #untilFed(): Promise<void> {
    const control = ControlClient.open(this.#home);
    const deadline = Date.now() + FED_TIMEOUT_MS;
    while (this.#closing === null) {
      let said: string;
      try {
        const { feed } = await control.status(AbortSignal.timeout(5_000));
        if (feed.state === 'running') return;
        said = feed.error ?? feed.state;
      } catch (error) {
        said = error instanceof Error ? error.message : String(error); // being started anew, say
      }
      if (Date.now() > deadline) {
        throw new CommandError({
          code: 'feed-not-running',
          message: `Debezium does not read the database after ${FED_TIMEOUT_MS / 1_000} s.`,
          evidence: [said, `logs: ${this.#home.logsDir}/connect.log and control.log`],
          nextSteps: ['banyan doctor', 'banyan up'],
          exitCode: 3,
        });
      }
      await sleep(FED_POLL_MS);
    }
  }

  async #start(spec: ProcessSpec): Promise<void> {
    const supervised = new SupervisedProcess({
      spec,
      logsDir: this.#home.logsDir,
      reaper: this.#reaper,
      onChange: () => this.#save(),
    });
    this.#processes.push(supervised);
    await supervised.start();
  }

  async #stopAll(): Promise<void> {
    this.#state = 'stopping';
    this.#save();
    // Customers first, so that nobody asks any more; databases last, so that nobody loses his connection before.
    const rounds = [...new Set(this.#processes.map(({ spec }) => spec.round))].sort((a, b) => a - b);
    for (const round of rounds) {
      const together = this.#processes.filter(({ spec }) => spec.round === round);
      await Promise.all(together.map((supervised) => supervised.stop()));
    }
    this.#reaper.close();
    this.#customersFile.close();
    this.#runFile.close();
    removeRunState(this.#home);
  }

  #save(): void {
    if (this.#closing === null || this.#state === 'stopping')
      this.#runFile.write(runStateText(this.runState));
  }
}
