import { mkdirSync, writeFileSync } from 'node:fs';
import { downloadKafka, prepareKafka, KafkaStackError, type PreparedKafka } from '@banyan/kafka';
import { prepareCluster } from '@banyan/postgres';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlClient } from '../control-client.ts';
import type { Home } from '../home.ts';
import { CommandError } from '../output/command-error.ts';
import { ensureDatabase, migrateBanyanSchema, type DatabaseUrls } from './database.ts';
import { ensureInstallation, feedName } from './installation.ts';
import type { Monolith } from './own-monolith.ts';
import { readHealthConfig, type HealthConfig } from './health-config.ts';
import { choosePorts, type Ports } from './ports.ts';
import {
  banyanSpecs,
  CONNECT_PASSWORD_FILE,
  customersSpec,
  javaSpec,
  monolithSpec,
  postgresSpec,
  urlsOf,
} from './processes.ts';
import type { ProcessSpec } from './process-spec.ts';
import { Reaper } from './reaper.ts';
import { processStartedAt, readRunState, removeRunState, runStateText, type RunState } from './run-state.ts';
import { PersistentFile } from './persistent-file.ts';
import { ensureSecrets, readSecret } from './secrets.ts';
import { chooseStack, rememberStack, type StackName } from './stack-choice.ts';
import { SupervisedProcess } from './supervised-process.ts';

const FED_TIMEOUT_MS = 60_000;
const FED_POLL_MS = 200;

export interface SupervisorOptions {
  readonly home: Home;
  /** Port of the shop's address; default the last one, 8080 at first, or a free one. */
  readonly shopPort?: number;
  /** Built-in customers to run. Default 0. */
  readonly customers?: number;
  /** `embedded` or `kafka`. Default the one that the home was begun on, else `embedded`. */
  readonly stack?: StackName;
  readonly monolith: Monolith;
  /** Told what is being done, a line a step. */
  readonly onProgress: (line: string) => void;
}

/** @throws CommandError `already-running` when this home has a supervisor that is alive. */
export function refuseSecond(home: Home): void {
  const running = readRunState(home);
  if (!running) return;
  throw new CommandError({
    code: 'already-running',
    message: `Banyan runs already: ${running.shopUrl}`,
    evidence: [`process ${running.supervisorPid} supervises ${home.dir}`],
    nextSteps: ['banyan status', 'banyan down'],
    exitCode: 3,
  });
}

/** Starts all processes, keeps each running, and ends them in order. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #home: Home;
  readonly #ports: Ports;
  readonly #stack: StackName;
  readonly #health: HealthConfig;
  readonly #reaper = new Reaper();
  readonly #processes: SupervisedProcess[] = [];
  readonly #runFile: PersistentFile;
  readonly #customersFile: PersistentFile;
  #state: RunState['state'] = 'starting';
  #closing: Promise<void> | null = null;

  private constructor(
    options: SupervisorOptions,
    { ports, stack, health }: { ports: Ports; stack: StackName; health: HealthConfig },
  ) {
    this.#stack = stack;
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
    const { home } = options;
    refuseSecond(home);
    const stack = chooseStack(home, options.stack);
    const health = readHealthConfig();
    mkdirSync(home.dir, { recursive: true, mode: 0o700 });
    ensureInstallation(home);
    mkdirSync(home.logsDir, { recursive: true, mode: 0o700 });
    writeFileSync(home.file('.gitignore'), '*\n'); // a home of any name, in any checkout
    ensureSecrets(home);
    const supervisor = new Supervisor(options, {
      ports: await choosePorts(home, options.shopPort),
      stack,
      health,
    });
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
      shopUrl: urls.shop,
      stack: this.#stack,
      monolithUrl: this.#monolithUrl,
      controlUrl: urls.control,
      proxyAdminUrl: urls.proxyAdmin,
      processes: this.#processes.map(({ state }) => state),
    };
  }

  get #monolithUrl(): string {
    const { monolith } = this.#options;
    return monolith.kind === 'own' ? monolith.url : urlsOf(this.#ports).monolith;
  }

  /** Ends the processes, those that ask before those that answer. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#stopAll();
    return this.#closing;
  }

  async #startAll(): Promise<void> {
    const { onProgress, monolith, customers = 0 } = this.#options;
    // All settled, so that whoever ends us finds every process that was started.
    const [database, broker] = await Promise.allSettled([this.#startDatabase(), this.#startKafka()]);
    if (database.status === 'rejected') throw database.reason;
    if (broker.status === 'rejected') throw broker.reason;
    const [databases, kafka] = [database.value, broker.value];
    if (kafka && databases) this.#writeConnectPassword(kafka, databases.banyan);
    const hasFeed = databases !== null;
    const feed = kafka || !hasFeed ? '' : 'the feed, ';
    rememberStack(this.#home, this.#stack); // nothing of the other one was made before
    const own = monolith.kind === 'own' ? '' : 'the monolith, ';
    onProgress(`starting ${own}${feed}the service, the control plane and the proxy`);
    const shared = {
      home: this.#home,
      ports: this.#ports,
      kafka,
      monolithUrl: this.#monolithUrl,
      health: this.#health,
    };
    const specs = banyanSpecs({ ...shared, feed: hasFeed ? feedName(this.#home) : null });
    const isShop = monolith.kind === 'sample-shop' && databases !== null;
    const shop = isShop ? [monolithSpec(this.#home, this.#ports, { databases, health: this.#health })] : [];
    await Promise.all([...shop, ...specs].map((spec) => this.#start(spec)));
    if (kafka && hasFeed) {
      onProgress('waiting until Debezium reads the database');
      await this.#untilFed();
    }
    if (customers > 0) {
      onProgress(`starting ${customers} built-in customers`);
      const onLine = (line: string): void => this.#customersFile.write(`${line}\n`);
      await this.#start(customersSpec(urlsOf(this.#ports).shop, customers, onLine));
    }
    this.#state = 'ready';
    this.#save();
  }

  /** @returns null where nobody needs one. */
  async #startDatabase(): Promise<DatabaseUrls | null> {
    const { kind, databaseUrl } = this.#options.monolith;
    if (kind === 'own' && databaseUrl === null) return null;
    const databases = await this.#findDatabase();
    await migrateBanyanSchema(databases.banyan);
    // A file, so that the URL with its password stands in no other process's environment.
    writeFileSync(this.#home.secret('source.url'), databases.banyan, { mode: 0o600 });
    return databases;
  }

  async #findDatabase(): Promise<DatabaseUrls> {
    const { databaseUrl: given } = this.#options.monolith;
    if (given !== null) return { shop: given, banyan: given };
    this.#options.onProgress('starting PostgreSQL');
    const cluster = await prepareCluster({ dir: this.#home.file('postgres'), port: this.#ports.postgres });
    await this.#start(postgresSpec(cluster));
    const passwords = {
      shop: readSecret(this.#home, 'shop.password'),
      banyan: readSecret(this.#home, 'banyan.password'),
    };
    return ensureDatabase(passwords, cluster.adminUrl);
  }

  /** @returns null for the embedded stack. */
  async #startKafka(): Promise<PreparedKafka | null> {
    if (this.#stack === 'embedded') return null;
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
      await this.#start(javaSpec(prepared.broker));
      await this.#start(javaSpec(prepared.connect));
      return prepared;
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
    const named = (...names: string[]): SupervisedProcess[] =>
      this.#processes.filter(({ spec }) => names.includes(spec.name));
    const rounds = [
      named('customers'), // 1. nobody asks any more
      named('proxy'), // 2. requests in flight end
      named('control', 'reviews', 'reader', 'monolith'), // 3. nobody writes any more
      named('connect'), // 4. nobody reads the database any more
      named('kafka'), // 5.
      named('postgres'), // 6. last, so that nobody loses his connection before
    ];
    for (const round of rounds) await Promise.all(round.map((supervised) => supervised.stop()));
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
