/** A copy of the mixed table in SQLite, looked after as the control plane does: lacking values are read again. */
import { listen, silentLogger } from '@banyan/kit';
import express from 'express';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../../src/bus/bus.ts';
import { createCaughtUp } from '../../src/verify/caught-up.ts';
import { NotCaughtUpError } from '../../src/verify/not-caught-up-error.ts';
import type { KnownFeed } from '../../src/verify/stored-on-bus.ts';
import { createFolder } from '../beds/consumer-test-bed.ts';
import { startConsumer } from '../../src/apply/consumer.ts';
import { createSqliteApplyStore } from '../../src/apply/stores/sqlite/sqlite-apply-store.ts';
import { syncRoutes } from '../../src/apply/http/sync-routes.ts';
import { PREFIX } from '../beds/reader-test-bed.ts';
import { MissingValues } from '../../src/verify/missing-values.ts';
import { createRowReread } from '../../src/verify/row-reread.ts';
import type { PostgresSource } from '../../src/capture/feed/postgres-source.ts';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { createHttpServiceCopy } from '../../src/verify/service-client/http-service-copy.ts';
import type { TableVerifyState } from '../../src/verify/verify-state.ts';
import { verifySlice } from '../../src/verify/verify-slice.ts';
import { mixedSlice, mixedStoreSchema } from './mixed-transactions.ts';

const PEER_TOKEN = 'peer-token-of-the-mixed-copy';

export interface MixedCopy {
  /** Waits until the copy has everything that was committed before, with nothing held. */
  caughtUp(signal: AbortSignal): Promise<void>;
  /** What a verification finds. */
  verify(signal: AbortSignal): Promise<TableVerifyState>;
  close(): Promise<void>;
}

export async function openMixedCopy(options: {
  readonly source: PostgresSource;
  readonly bus: Bus;
  readonly feed?: KnownFeed;
}): Promise<MixedCopy> {
  const { source, bus } = options;
  const folder = await createFolder();
  const knex = await openSqliteFile({ file: folder.file('store.sqlite') });
  await knex.raw(mixedStoreSchema);
  const store = createSqliteApplyStore({ knex });
  const consumer = await startConsumer({
    slice: mixedSlice,
    group: 'mixed',
    bus,
    store,
    prefix: PREFIX,
    logger: silentLogger,
  });
  const app = express().use(syncRoutes({ consumer, store, peerToken: PEER_TOKEN }));
  const server = await listen(app, { port: 0 });
  const copy = createHttpServiceCopy({ url: server.url, peerToken: PEER_TOKEN });
  const known = { source, bus, prefix: PREFIX, ...(options.feed && { feed: options.feed }) };
  const caughtUp = createCaughtUp(known);
  const missing = new MissingValues({ rowReread: createRowReread(known) });
  const stop = new AbortController();
  const looking = (async () => {
    while (!stop.signal.aborted) {
      // What fails here (a table that is busy for long) is tried again by the next look.
      await missing.look(copy, AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)])).catch(() => 0);
      await sleep(200);
    }
  })();
  async function heldReasons(): Promise<string> {
    const { queues } = await consumer.quarantine.list(1_000);
    return JSON.stringify(queues.map(({ key, reason, waiting }) => [key, reason, waiting]));
  }
  return {
    async caughtUp(signal) {
      for (;;) {
        try {
          await caughtUp.wait({ slice: mixedSlice, copy, signal });
          return;
        } catch (error) {
          if (signal.aborted) throw new Error(`Held: ${await heldReasons()}`, { cause: error });
          if (!(error instanceof NotCaughtUpError && error.code === 'copy-quarantined')) throw error;
          await sleep(200);
        }
      }
    },
    async verify(signal) {
      const { tables } = await verifySlice({ slice: mixedSlice, source, copy, caughtUp, signal });
      if (!tables[0]) throw new Error('no table was verified');
      return tables[0];
    },
    async close() {
      stop.abort();
      await looking;
      await server.close();
      await consumer.close();
      await knex.destroy();
      await folder.remove();
    },
  };
}
