/** What tests of verification over a real feed share: tables with every kind of key, and a service of its own. */
import { defineSlice, type TableMapping } from '@banyan/contracts';
import type { Knex } from 'knex';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { processEnv } from '@banyan/kit/testing';

export const PEER_TOKEN = 'peer-token-of-the-tests';
/** Rows of each table. */
export const ROWS = 600;

/** A table for tests: its key at both sides, how key number `i` is made, and keys that no row has. */
export interface KeyedTable {
  readonly name: string;
  /** PostgreSQL's and SQLite's columns of the key. */
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** SQL of the key's values for row `i`. */
  readonly values: string;
  /** Target keys before the first row, between two, and behind the last one. */
  readonly free: readonly (readonly string[])[];
}

/** Integers below zero and beyond 2^53; two columns; uuid; text that its database sorts by language; dates. */
export const keyedTables: readonly KeyedTable[] = [
  {
    name: 'big',
    source: ['id bigint'],
    target: ['id INTEGER'],
    values: `(i - ${ROWS / 2}) * 18000000000000003`,
    free: [['-9223372036854775808'], ['18000000000000004'], ['9223372036854775807']],
  },
  {
    name: 'pair',
    source: ['a int', 'b varchar(9) COLLATE "en-x-icu"'],
    target: ['a INTEGER', 'b TEXT'],
    values: `i / 10 - 5, (ARRAY['a', 'B', 'ä', 'Z', 'é', '_', '10', '9', 'aa', 'A'])[i % 10 + 1]`,
    free: [
      ['-6', 'x'],
      ['7', 'é0'],
      ['1000', 'a'],
    ],
  },
  {
    name: 'doc',
    source: ['id uuid'],
    target: ['id TEXT'],
    values: 'md5(i::text)::uuid',
    free: [
      ['00000000-0000-0000-0000-000000000000'],
      ['80000000-0000-4000-8000-000000000000'],
      ['ffffffff-ffff-ffff-ffff-ffffffffffff'],
    ],
  },
  {
    name: 'word',
    source: ['word text COLLATE "en-x-icu"'],
    target: ['word TEXT'],
    values: `(ARRAY['apple', 'Apple', 'äpfel', 'Zebra', 'zebra', '_x'])[i % 6 + 1] || ' "' || i || '"'`,
    free: [['!'], ['apple'], ['ÿ']],
  },
  {
    name: 'day',
    source: ['day date'],
    target: ['day INTEGER'],
    values: `date '2000-01-01' + (i - 300) * 2`,
    free: [['-20000'], ['10958'], ['90000']],
  },
];

function nameOf(column: string): string {
  return column.split(' ')[0] ?? '';
}

/** Names of a table's key columns, the same at both sides. */
export function keyOf(table: KeyedTable): string[] {
  return table.source.map(nameOf);
}

export const keyedSlice = defineSlice({
  name: 'keyed',
  title: 'Tables with every kind of key',
  routes: [{ path: '/keyed' }],
  tables: keyedTables.map((table, i): TableMapping => ({
    source: `public.${table.name}`,
    target: table.name,
    kind: i % 2 === 0 ? 'owned' : 'reference',
    key: keyOf(table),
    columns: {
      ...Object.fromEntries(keyOf(table).map((column) => [column, column])),
      label: 'label',
      note: 'remark',
      price: 'price',
      n: 'n',
      m: 'm',
    },
    personal: ['note'],
  })),
});

/** Statements that make the source's tables and fill them. */
export function sourceStatements(): string[] {
  return keyedTables.flatMap(({ name, source, values }) => [
    `CREATE TABLE public.${name} (${source.join(', ')}, label text, note text, price numeric(24, 6), n bigint, m bigint,
       PRIMARY KEY (${source.map(nameOf).join(', ')}))`,
    `INSERT INTO public.${name} SELECT ${values}, 'label ' || i, CASE i % 2 WHEN 0 THEN '' END,
       1.5 + i, 9007199254740993 + i, i FROM generate_series(0, ${ROWS - 1}) i`,
  ]);
}

/** Opens a service's store, made when missing. */
export async function openKeyedStore(file: string): Promise<Knex> {
  const knex = await openSqliteFile({ file });
  for (const { name, target } of keyedTables) {
    await knex.raw(`CREATE TABLE IF NOT EXISTS ${name} (${target.join(', ')}, label TEXT, remark TEXT, price TEXT,
      n INTEGER, m INTEGER, PRIMARY KEY (${target.map(nameOf).join(', ')})) STRICT`);
  }
  return knex;
}

/** A service in a process of its own. */
export interface ServiceProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** Questions of each kind that it was asked so far. */
  counts(): Promise<{ pieces: number; rows: number }>;
  kill(): Promise<void>;
}

/** @param files.port 0 for a free one. */
export async function startService(files: {
  readonly bus: string;
  readonly store: string;
  readonly port?: number;
}): Promise<ServiceProcess> {
  const program = join(import.meta.dirname, '../processes/serve-copy-until-killed.ts');
  const child = fork(program, [files.bus, files.store, String(files.port ?? 0)], {
    execArgv: [],
    env: { ...processEnv(), LOG_LEVEL: 'silent' },
  });
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    child,
    async counts() {
      return (await (await fetch(`${url}/counts`)).json()) as { pieces: number; rows: number };
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
