import {
  createCaughtUp,
  createHttpServiceCopy,
  createRowReread,
  followTableSnapshots,
  verifySlice,
  watchFile,
  type FileWatch,
} from '@banyan/cdc';
import { createLogger, readConfig, runProcess, type Closable } from '@banyan/kit';
import { loadAdminToken } from './adapters/admin-token.ts';
import { loadConfigFile } from './adapters/config-file.ts';
import { openSqliteStore } from './adapters/sqlite-store.ts';
import { configTable } from './config.ts';
import { createControl } from './control.ts';
import { openFeed } from './open-feed.ts';

/** How long a service may take for one answer, milliseconds. */
const SERVICE_DEADLINE_MS = 10_000;

const log = createLogger('control');

/** The one place that wires the control plane together. */
async function start(): Promise<Closable> {
  const settings = readConfig(configTable);
  const { topicPrefix, peerToken } = settings;
  const loaded = await loadConfigFile({ file: settings.configFile, serviceUrls: settings.serviceUrls });
  const adminToken = await loadAdminToken(settings.adminTokenFile);
  const closing = new AbortController();
  const stack: Closable[] = [];
  const closeAll = async (): Promise<void> => {
    closing.abort();
    for (const each of stack.splice(0).reverse()) await each.close();
  };
  try {
    const store = await openSqliteStore({ file: settings.storeFile });
    stack.push(store);
    const feed = await openFeed(settings, log);
    stack.push(feed);
    const files = [
      { file: settings.storeFile, name: "the control plane's store" },
      ...(settings.stack === 'embedded' ? [{ file: settings.busFile ?? '', name: 'the bus' }] : []),
    ];
    const stores: FileWatch[] = [];
    for (const { file, name } of files) {
      const watch = await watchFile({ file, name, logger: log });
      stack.push(watch);
      stores.push(watch);
    }
    const { bus, source, history } = feed;
    const { signal } = closing;
    const tableSnapshots = await followTableSnapshots({ bus, prefix: topicPrefix, signal });
    tableSnapshots.ended.catch((error: unknown) => {
      // Without it every copy would seem to stand still; whoever supervises us starts us anew.
      log.fatal({ err: error }, 'table snapshots can no longer be followed');
      process.exit(1);
    });
    const known = { source, bus, prefix: topicPrefix, feed: { log: history, slot: settings.slotName } };
    const caughtUp = createCaughtUp(known);
    const rowReread = createRowReread(known);
    const services = Object.fromEntries(
      Object.entries(loaded.serviceUrls).map(([name, url]) => [
        name,
        { url, copy: createHttpServiceCopy({ url, peerToken, deadlineMs: SERVICE_DEADLINE_MS }) },
      ]),
    );
    const pace = {
      maxRowsPerSecond: settings.verifyMaxRowsPerSecond ?? null,
      maxServiceLatencyMs: settings.verifyMaxServiceLatencyMs,
    };
    const control = await createControl({
      ...{ config: loaded.config, services, store, source, bus, history, caughtUp, topicPrefix },
      ...{ tableSnapshots, rowReread },
      verify: ({ repair, maxLagMs, ...options }) =>
        verifySlice({
          ...{ ...options, source, caughtUp, reread: repair ? rowReread : null },
          ...{ pace: { ...pace, maxLagMs }, pageRows: settings.verifyPageRows },
        }),
      ...{ slot: settings.slotName, outboxTable: settings.outboxTable },
      monolithUrl: settings.monolithUrl,
      gateGraceMs: settings.gateGraceMs,
      stores,
      retainedWalWarnBytes: settings.retainedWalWarnBytes,
      ...{ adminToken, peerToken, host: settings.host, port: settings.port, log },
    });
    stack.push(control);
    control.start();
    log.info({ url: control.url, slices: Object.keys(services) }, 'control is up');
    return { close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

await runProcess({ log, start });
