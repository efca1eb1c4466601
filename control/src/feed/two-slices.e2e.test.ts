import { expect, test } from '@jest/globals';
import { openSqliteBus } from '@banyan/cdc/bus';
import { createTestDatabase } from '@banyan/postgres';
import createKnex from 'knex';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrateBanyan } from '../../../migrations/banyan/index.ts';
import { startProcess } from '../../testing/processes.ts';
import { expectTwoSlicesToShare } from '../../testing/two-slices-test-bed.ts';

test('two slices share two reference tables through all phases, one resynced while the other serves', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'banyan-two-slices-bus-'));
  const database = await createTestDatabase('two_slices');
  const { url, name } = database;
  const knex = createKnex({ client: 'pg', connection: url });
  await migrateBanyan(knex);
  await knex.destroy();
  const settings = { BUS_FILE: join(folder, 'bus.sqlite') };
  const bus = await openSqliteBus({ file: settings.BUS_FILE });
  try {
    startProcess(new URL('../../../cdc/src/capture/reader/main.ts', import.meta.url), {
      PATH: process.env['PATH'] ?? '',
      LOG_LEVEL: 'warn',
      TOPIC_PREFIX: 'shop',
      SOURCE_URL: url,
      SLOT_NAME: name,
      PUBLICATION_NAME: name,
      HEARTBEAT_INTERVAL_MS: '200',
      ...settings,
    });
    await expectTwoSlicesToShare({ url, publication: name, bus, settings });
    // The group of a slice comes back with it.
    expect((await bus.groups()).map((group) => group.name).sort()).toEqual(['orders', 'reviews']);
  } finally {
    await bus.close();
    await database.drop();
    await rm(folder, { recursive: true });
  }
}, 300_000);
