import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPostgresSource } from '@banyan/cdc/capture';
import { checkMapping, checkTransforms } from '@banyan/cdc/verify';
import { silentLogger } from '@banyan/kit';
import { createTestDatabase } from '@banyan/postgres';
import createKnex from 'knex';
import { openStore } from '../store/open-store.ts';
import { openPlaces } from './open-places.ts';
import { processContract } from './process-contract.ts';
import { rowOf } from './contract-bed.ts';
import type { ServiceContract } from './contract-terms.ts';
import { failureOf, spawnService } from './service-process.ts';
import { makeTestSettings } from './settings.ts';

const PEER_TOKEN_OF_WRONG_SETTINGS = 'short-secret';

/**
 * What every service keeps, whatever it is about: a jest suite, against a process of its own.
 *
 * @example
 * serviceContract({ service: stockService, main: new URL('./main.ts', import.meta.url), monolith: migrationSource,
 *   rows: { 'public.products': (n) => ({ id: n, slug: `p-${n}` }) }, requests: ['GET /v1/products/p-1/stock 200'] });
 */
export function serviceContract(contract: ServiceContract): void {
  describe(`the service ${contract.service.slice.name}`, () => {
    isWritten(contract);
    wrongSettings(contract);
    mappingFits(contract);
    describe('as a process', () => processContract(contract));
  });
}

function isWritten({ service, main }: ServiceContract): void {
  test('leaves nothing of what `banyan new service` could not know', async () => {
    expect(await openPlaces([new URL('.', main), service.openapi])).toEqual([]);
  });
}

function wrongSettings({ service, main }: ServiceContract): void {
  test('with wrong settings does not start, and names all of them in one error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'service-'));
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, `${PEER_TOKEN_OF_WRONG_SETTINGS}\n`, { mode: 0o600 });
    const { code, complaint, said } = await failureOf(
      spawnService(main, {
        PORT: '70000',
        PEER_TOKEN_FILE: tokenFile,
        IDENTITY_PUBLIC_KEY_FILE: join(folder, 'none'),
        REFUSE_READS_AFTER_MS: '-1',
      }),
    );
    await rm(folder, { recursive: true, force: true });
    expect(code).toBe(1);
    const { sqlite, postgres } = service.migrations ?? {};
    const store = [...(sqlite ? ['STORE_FILE'] : []), ...(postgres ? ['STORE_URL'] : [])];
    for (const variable of [
      'PORT',
      ...store,
      'BUS_FILE',
      'PEER_TOKEN',
      'IDENTITY_PUBLIC_KEY_FILE',
      'REFUSE_READS_AFTER_MS',
    ]) {
      expect(complaint).toMatch(new RegExp(`^  - .*\\b${variable}\\b`, 'm'));
    }
    expect(complaint.match(/settings are not valid/g)).toHaveLength(1);
    expect(complaint).not.toMatch(/^ +at /m); // no stack trace
    expect(said).not.toContain(PEER_TOKEN_OF_WRONG_SETTINGS);
  });
}

function mappingFits({ service, monolith, rows }: ServiceContract): void {
  const { tables } = service.slice;
  test('fits the monolith’s tables on one side and its own on the other', async () => {
    const database = await createTestDatabase(`${service.slice.name.replaceAll('-', '_')}_fits`);
    const knex = createKnex({ client: 'pg', connection: database.url });
    await knex.migrate.latest({ migrationSource: monolith });
    await knex.destroy();
    const source = createPostgresSource({ url: database.url, slot: 'none', publication: 'none' });
    const settings = await makeTestSettings(service);
    const store = await openStore({
      settings,
      migrations: service.migrations ?? {},
      slice: service.slice.name,
      log: silentLogger,
    });
    try {
      const report = await store.apply.describe(tables.map(({ target }) => target));
      const described = await source.describeTables(
        tables.map((table) => table.source),
        AbortSignal.timeout(60_000),
      );
      for (const mapping of tables) {
        const table = described.find(({ name }) => name === mapping.source) ?? null;
        expect(checkMapping({ mapping, source: table, store: report })).toEqual([]);
        const samples = [1, 2, 3].map((n) => rowOf(rows, mapping.source, n));
        expect(checkTransforms(mapping, samples)).toEqual([]);
        expect(Object.keys(samples[0] ?? {})).toEqual(expect.arrayContaining(Object.keys(mapping.columns)));
      }
    } finally {
      await store.close();
      await source.close();
      await settings.remove();
      await database.drop();
    }
  });
}
