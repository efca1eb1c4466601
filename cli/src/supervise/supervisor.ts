import { mkdirSync, writeFileSync } from 'node:fs';
import { prepareCluster } from '@banyan/postgres';
import type { Home } from '../home.ts';
import { CommandError } from '../output/command-error.ts';
import { ensureDatabase, migrateBanyanSchema, type DatabaseUrls } from './database.ts';
import { choosePorts, type Ports } from './ports.ts';
import { banyanSpecs, customersSpec, monolithSpec, postgresSpec, urlsOf } from './processes.ts';
import type { ProcessSpec } from './process-spec.ts';
import { Reaper } from './reaper.ts';
import {
  processStartedAt,
  readRunState,
  removeRunState,
  writeRunState,
  writeWhole,
  type RunState,
} from './run-state.ts';
import { ensureSecrets, readSecret } from './secrets.ts';
import { SupervisedProcess } from './supervised-process.ts';

export interface SupervisorOptions {
  readonly home: Home;
  /** Port of the shop's address; default the last one, 8080 at first, or a free one. */
  readonly shopPort?: number;
  /** Built-in customers to run. Default 0. */
  readonly customers?: number;
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
  readonly #reaper = new Reaper();
  readonly #processes: SupervisedProcess[] = [];
  #state: RunState['state'] = 'starting';
  #closing: Promise<void> | null = null;

  private constructor(options: SupervisorOptions, ports: Ports) {
    this.#options = options;
    this.#home = options.home;
    this.#ports = ports;
  }

  /**
   * @throws CommandError `already-running` when this home has a supervisor, `port-taken`, or
   * `process-not-starting` with the end of that process's log; whatever was started has ended then.
   */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const { home } = options;
    refuseSecond(home);
    mkdirSync(home.logsDir, { recursive: true, mode: 0o700 });
    ensureSecrets(home);
    const supervisor = new Supervisor(options, await choosePorts(home, options.shopPort));
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
      monolithUrl: urls.monolith,
      controlUrl: urls.control,
      proxyAdminUrl: urls.proxyAdmin,
      processes: this.#processes.map(({ state }) => state),
    };
  }

  /** Ends the processes, those that ask before those that answer. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#stopAll();
    return this.#closing;
  }

  async #startAll(): Promise<void> {
    const { onProgress, customers = 0 } = this.#options;
    const databases = await this.#startDatabase();
    await migrateBanyanSchema(databases.banyan);
    // A file, so that the URL with its password stands in no other process's environment.
    writeFileSync(this.#home.secret('source.url'), databases.banyan, { mode: 0o600 });
    onProgress('starting the monolith, the feed, the service, the control plane and the proxy');
    await Promise.all([
      this.#start(monolithSpec(this.#home, this.#ports, databases)),
      ...banyanSpecs(this.#home, this.#ports).map((spec) => this.#start(spec)),
    ]);
    if (customers > 0) {
      onProgress(`starting ${customers} built-in customers`);
      const onLine = (line: string): void => writeWhole(this.#home.customersFile, `${line}\n`);
      await this.#start(customersSpec(urlsOf(this.#ports).shop, customers, onLine));
    }
    this.#state = 'ready';
    this.#save();
  }

  async #startDatabase(): Promise<DatabaseUrls> {
    const given = process.env['DATABASE_URL'];
    if (given) return { shop: given, banyan: given };
    this.#options.onProgress('starting PostgreSQL');
    const cluster = await prepareCluster({ dir: this.#home.file('postgres'), port: this.#ports.postgres });
    await this.#start(postgresSpec(cluster));
    const passwords = {
      shop: readSecret(this.#home, 'shop.password'),
      banyan: readSecret(this.#home, 'banyan.password'),
    };
    return ensureDatabase(passwords, cluster.adminUrl);
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
      named('postgres'), // 4. last, so that nobody loses his connection before
    ];
    for (const round of rounds) await Promise.all(round.map((supervised) => supervised.stop()));
    this.#reaper.close();
    removeRunState(this.#home);
  }

  #save(): void {
    if (this.#closing === null || this.#state === 'stopping') writeRunState(this.#home, this.runState);
  }
}
