import type { ChildProcess } from 'node:child_process';
import { openSqliteBus, type Bus } from '@banyan/cdc/apply';
import { rowsReportSchema, syncReportSchema, type Row, type TableMapping } from '@banyan/contracts';
import { eventually } from './eventually.ts';
import { changeOf, heartbeat } from './feed.ts';
import { spawnService, stopService, urlOf } from './service-process.ts';
import { environmentOf, makeTestSettings, type ServiceLike, type TestSettings } from './settings.ts';

/** Row number `n` of a source table, from 1, with every column that the mapping takes. */
export type RowMaker = (n: number) => Row;

/** A service's process, a bus to feed it from, and what it says of its copy. */
export class ContractBed {
  readonly settings: TestSettings;
  readonly #service: ServiceLike;
  readonly #main: URL;
  readonly #bus: Bus;
  #child: ChildProcess | undefined;
  /** Of the process that runs. */
  url = '';
  /** Rows of each table that are on the bus. */
  rows = 0;

  private constructor(about: { service: ServiceLike; main: URL; settings: TestSettings; bus: Bus }) {
    this.#service = about.service;
    this.#main = about.main;
    this.settings = about.settings;
    this.#bus = about.bus;
  }

  static async open(service: ServiceLike, main: URL): Promise<ContractBed> {
    // Asked for a while after the last heartbeat: what a copy does that is too old has tests of its own.
    const settings = { ...(await makeTestSettings(service)), refuseReadsAfterMs: 3_600_000 };
    const bus = await openSqliteBus({ file: settings.busFile });
    return new ContractBed({ service, main, settings, bus });
  }

  get tables(): readonly TableMapping[] {
    return this.#service.slice.tables;
  }

  async start(): Promise<void> {
    await this.#bus.append([heartbeat()]);
    this.#child = spawnService(this.#main, environmentOf(this.#service, this.settings));
    this.url = await urlOf(this.#child);
  }

  /** @returns the exit code; null when the signal ended it */
  async stop(signal: NodeJS.Signals): Promise<number | null> {
    return this.#child ? await stopService(this.#child, signal) : null;
  }

  /** Puts the next `count` rows of each table on the bus, a row a commit. */
  async feed(makers: Readonly<Record<string, RowMaker>>, count: number): Promise<void> {
    for (let fed = 0; fed < count; fed += 1) {
      this.rows += 1;
      const n = this.rows;
      await this.#bus.append(
        this.tables.map(({ source, key }) => changeOf(source, 'c', rowOf(makers, source, n), key)),
      );
    }
  }

  ask(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, init);
  }

  async askAsPeer(path: string, body?: object): Promise<unknown> {
    const response = await this.ask(path, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${this.settings.peerToken}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return await response.json();
  }

  /** Rows that each table was sent and has applied, by source; empty until the copy has started. */
  async applied(): Promise<Readonly<Record<string, number>>> {
    const report = syncReportSchema.safeParse(await this.askAsPeer('/_banyan/sync'));
    return Object.fromEntries((report.data?.tables ?? []).map((table) => [table.source, table.appliedRows]));
  }

  /** Waits until the tables have applied more than `rows`, or just as many as are on the bus. */
  async untilApplied(rows: number | 'all'): Promise<void> {
    await eventually(
      () => this.applied(),
      (applied) =>
        this.tables.every(({ source }) =>
          rows === 'all' ? applied[source] === this.rows : (applied[source] ?? 0) > rows,
        ),
    );
  }

  /** The keys in a copied table, sorted. */
  async keysOf(target: string): Promise<readonly string[]> {
    const asked = { table: target, afterKey: null, toKey: null, limit: 10_000, fieldsOf: [] };
    const { rows } = rowsReportSchema.parse(await this.askAsPeer('/_banyan/rows', asked));
    return rows.map(({ key }) => key.join(' ')).sort();
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    await this.#bus.close();
    await this.settings.remove();
  }
}

/** @throws Error that names the table which the contract's rows leave out */
export function rowOf(makers: Readonly<Record<string, RowMaker>>, source: string, n: number): Row {
  const make = makers[source];
  if (!make) throw new Error(`The service contract wants rows of ${source}.`);
  return make(n);
}
