import type { AddressInfo } from 'node:net';
import { startConsumer, syncRoutes, type ApplyStore, type Bus } from '@banyan/cdc/apply';
import { silentLogger } from '@banyan/kit';
import express from 'express';
import { benchSlice, PREFIX } from '../bench-rows.ts';
import { openBus } from './open-bus.ts';
import { openStore } from './open-store.ts';
import { serve } from './serve.ts';

/** Rows applied, and when the first and the last batch of them were committed. */
interface Applied {
  rows: number;
  firstBatchRows: number;
  firstAtMs: number | null;
  lastAtMs: number | null;
}

const applied: Applied = { rows: 0, firstBatchRows: 0, firstAtMs: null, lastAtMs: null };
/** Of each row event since the last time they were asked for, milliseconds. */
let lags = { toBusMs: [] as number[], toAppliedMs: [] as number[] };

/** The store, with the times at which batches of rows were committed. */
function timed(store: ApplyStore): ApplyStore {
  return {
    ...store,
    async apply(batch) {
      await store.apply(batch);
      const rows = batch.tables.reduce((sum, { change }) => sum + change.upserts.length, 0);
      if (rows === 0) return;
      const nowMs = performance.now();
      if (applied.firstAtMs === null) Object.assign(applied, { firstAtMs: nowMs, firstBatchRows: rows });
      applied.rows += rows;
      applied.lastAtMs = nowMs;
    },
  };
}

/** The bus, with the time that passed from each row's commit at the source to its commit in the store. */
function withLags(bus: Bus): Bus {
  return new Proxy(bus, {
    get(target, name) {
      if (name !== 'consume') {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      }
      const consume: Bus['consume'] = (options) =>
        target.consume({
          ...options,
          async onBatch(records) {
            await options.onBatch(records);
            const nowMs = performance.timeOrigin + performance.now();
            for (const { value, storedAtMs } of records) {
              // The first one of an envelope is its source's: when the transaction committed.
              const micros = /"ts_us":(\d+)/.exec(value ?? '')?.[1];
              if (micros === undefined) continue;
              const committedAtMs = Number(micros) / 1_000;
              lags.toBusMs.push(storedAtMs - committedAtMs);
              lags.toAppliedMs.push(nowMs - committedAtMs);
            }
          },
        });
      return consume;
    },
  });
}

const measuresLag = process.env['MEASURE_LAG'] === '1';
const bus = await openBus();
const store = await openStore();
const consumer = await startConsumer({
  slice: benchSlice,
  group: 'bench',
  bus: measuresLag ? withLags(bus) : bus,
  store: timed(store),
  prefix: process.env['TOPIC_PREFIX'] ?? PREFIX,
  logger: silentLogger,
});
const app = express();
app.use(syncRoutes({ consumer, store, peerToken: process.env['PEER_TOKEN'] ?? '' }));
const server = app.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  serve(
    {
      report: () => Promise.resolve({ ...applied, report: consumer.report() }),
      'lag-count': () => Promise.resolve({ count: lags.toAppliedMs.length }),
      lags: () => {
        const taken = lags;
        lags = { toBusMs: [], toAppliedMs: [] };
        return Promise.resolve(taken);
      },
    },
    { url },
  );
});
