// A process for tests: a service that keeps a copy of the test slice and answers for it, until it is killed.
// Arguments: bus file, store file, port.
import { createLogger, listen } from '@banyan/kit';
import express from 'express';
import { openSqliteBus } from '../../src/bus/sqlite/sqlite-bus.ts';
import { startConsumer } from '../../src/apply/consumer.ts';
import { createSqliteApplyStore } from '../../src/apply/stores/sqlite/sqlite-apply-store.ts';
import { syncRoutes } from '../../src/apply/http/sync-routes.ts';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { keyedSlice, openKeyedStore, PEER_TOKEN } from '../beds/verify-test-bed.ts';

const [busFile, storeFile, port] = process.argv.slice(2);
if (!busFile || !storeFile) throw new Error('usage: serve-copy-until-killed BUS STORE PORT');
const knex = await openKeyedStore(storeFile);
const reader = await openSqliteFile({ file: storeFile, mode: 'read' });
const store = createSqliteApplyStore({ knex, reader });
const consumer = await startConsumer({
  slice: keyedSlice,
  group: 'keyed',
  bus: await openSqliteBus({ file: busFile }),
  store,
  prefix: 'shop',
  logger: createLogger('consumer'),
});
const counts = { pieces: 0, rows: 0 };
const app = express()
  .get('/counts', (_request, response) => void response.json(counts))
  .use((request, _response, next) => {
    if (request.path === '/_banyan/rows') counts.rows += 1;
    if (request.path === '/_banyan/pieces') counts.pieces += 1;
    next();
  })
  .use(syncRoutes({ consumer, store, peerToken: PEER_TOKEN }));
const server = await listen(app, { port: Number(port) });
process.send?.(server.url);
process.on('disconnect', () => process.exit(1));
