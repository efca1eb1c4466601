/** Tables as they are in old databases: what is written for them fits both of its sides. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPostgresSource, type PostgresSource } from '@banyan/cdc/capture';
import { checkMapping, checkTransforms, proposeTable } from '@banyan/cdc/verify';
import { defineSlice, type Row, type SliceDefinition } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import { openStore } from '@banyan/service';
import createKnex, { type Knex } from 'knex';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../home.ts';
import { planService, sliceOf } from './plan-service.ts';
import { serviceFiles } from './service-files.ts';
import type { StoreKind } from './service-plan.ts';
import { writeService } from './write-service.ts';

const SCHEMA = `
  CREATE SCHEMA "Old";
  CREATE TYPE mood AS ENUM ('fine');
  CREATE DOMAIN cents AS integer;
  CREATE TABLE "Old"."Order Lines" (
    "order" uuid, "line?" smallint, "Group" char(3) NOT NULL, "a'b" varchar(4), "a_b" text, "a b" text,
    "\`\${x}" numeric(10,2) NOT NULL, mood mood, cents cents, tags text[], moods mood[], at timestamp(3), on_day date,
    seen timestamptz(0) NOT NULL, raw bytea, doc jsonb NOT NULL, took interval, share real, is_it boolean,
    PRIMARY KEY ("order", "line?"));
  CREATE TABLE public."Order Lines" (code varchar(10) PRIMARY KEY, email text);`;
const TABLES = ['Old.Order Lines', 'public.Order Lines'];

let database: TestDatabase;
let source: PostgresSource;
beforeAll(async () => {
  database = await createTestDatabase('odd_tables');
  const knex = createKnex({ client: 'pg', connection: database.url });
  await knex.raw(SCHEMA.replaceAll('?', '\\?'));
  await knex.destroy();
  source = createPostgresSource({ url: database.url, slot: 'none', publication: 'none' });
});
afterAll(async () => {
  await source.close();
  await database.drop();
});

describe.each<StoreKind>(['sqlite', 'postgres'])('in %s', (store) => {
  let root: string;
  let slice: SliceDefinition;
  let other: TestDatabase;
  const load = (path: string): Promise<Record<string, unknown>> => import(join(root, path));

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'odd-tables-'));
    mkdirSync(join(root, 'migrations'));
    const shared = join('migrations', 'migration-source.ts');
    cpSync(join(projectRoot, shared), join(root, shared));
    other = await createTestDatabase('odd_tables_other');
    const described = await source.describeTables(TABLES, AbortSignal.timeout(60_000));
    const tables = described.map((table) => proposeTable(table).table);
    const { plan, problems } = planService(
      {
        ...{
          name: 'odd',
          tables: TABLES,
          owned: [],
          store,
          routes: ['/:order/lines', '/lines', '/api/:a/:b-c'],
        },
        columns: new Map(tables.map(({ name, columns }) => [name, columns.map((column) => column.name)])),
      },
      { schema_version: 1, tables, problems: [] },
    );
    expect(problems).toEqual([]);
    slice = { ...sliceOf(plan), routes: [{ path: '/x' }] };
    writeService({ root, folders: [], files: serviceFiles(plan), changed: {}, link: null });
  });
  afterAll(async () => {
    rmSync(root, { recursive: true, force: true });
    await other.drop();
  });

  test('the slice is one, and the schema takes what it maps', async () => {
    expect(defineSlice(slice)).toBe(slice);
    const { migrationSource } = await load('migrations/odd/index.ts');
    const opened = await openStore({
      settings: store === 'sqlite' ? { storeFile: join(root, 'store.sqlite') } : { storeUrl: other.url },
      migrations: { [store]: migrationSource as Knex.MigrationSource<string> },
      slice: 'odd',
      log: silentLogger,
    });
    try {
      const report = await opened.apply.describe(slice.tables.map(({ target }) => target));
      const described = await source.describeTables(TABLES, AbortSignal.timeout(60_000));
      for (const mapping of slice.tables) {
        const table = described.find(({ name }) => name === mapping.source) ?? null;
        expect(checkMapping({ mapping, source: table, store: report })).toEqual([]);
      }
    } finally {
      await opened.close();
    }
  });

  test('the tables of its test have the names of the source, and its rows have every column', async () => {
    const { sourceTables, rows } = await load('extracted/odd/src/testing/source-tables.ts');
    const copy = await createTestDatabase('odd_tables_copy');
    const knex = createKnex({ client: 'pg', connection: copy.url });
    await knex.migrate.latest({ migrationSource: sourceTables as Knex.MigrationSource<string> });
    await knex.destroy();
    const again = createPostgresSource({ url: copy.url, slot: 'none', publication: 'none' });
    try {
      const [now, made] = await Promise.all(
        [source, again].map((each) => each.describeTables(TABLES, AbortSignal.timeout(60_000))),
      );
      const shapeOf = (tables: typeof now) =>
        tables?.map(({ name, key, columns, notNull }) => ({
          name,
          key,
          notNull,
          columns: Object.keys(columns),
        }));
      expect(shapeOf(made)).toEqual(shapeOf(now));
      for (const mapping of slice.tables) {
        const make = (rows as Record<string, (n: number) => Row>)[mapping.source];
        const made_ = [1, 2].map((n) => make?.(n) ?? {});
        expect(Object.keys(made_[0] ?? {})).toEqual(Object.keys(mapping.columns));
        expect(checkTransforms(mapping, made_)).toEqual([]);
        expect(new Set(made_.map((row) => mapping.key.map((part) => String(row[part])).join())).size).toBe(2);
      }
    } finally {
      await again.close();
      await copy.drop();
    }
  });
});
