import { openSqliteBus } from '@banyan/cdc/bus';
import { createPostgresSource } from '@banyan/cdc/capture';
import { createCaughtUp, createHttpServiceCopy, differencesOf, verifySlice } from '@banyan/cdc/verify';
import { benchSlice, PREFIX } from '../bench-rows.ts';
import { serve } from './serve.ts';

const { DATABASE_URL: url = '', FEED_NAME: slot = '', BUS_FILE: file = '' } = process.env;
const { SERVICE_URL: serviceUrl = '', PEER_TOKEN: peerToken = '' } = process.env;

const source = createPostgresSource({ url, slot, publication: slot });
const caughtUp = createCaughtUp({ source, bus: await openSqliteBus({ file }), prefix: PREFIX });
const copy = createHttpServiceCopy({ url: serviceUrl, peerToken });

/** A verification as the control plane runs it: over HTTP against the service, over SQL against the source. */
serve({
  async verify() {
    const startMs = performance.now();
    const { tables } = await verifySlice({
      source,
      copy,
      slice: benchSlice,
      caughtUp,
      signal: AbortSignal.timeout(600_000),
    });
    const sum = (field: 'rowsSource' | 'rowsTarget'): number =>
      tables.reduce((rows, table) => rows + table[field], 0);
    return {
      rowsSource: sum('rowsSource'),
      rowsTarget: sum('rowsTarget'),
      differences: differencesOf(tables),
      ms: performance.now() - startMs,
    };
  },
});
