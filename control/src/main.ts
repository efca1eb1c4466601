import { followTableSnapshots } from '@banyan/cdc/capture';
import { createCaughtUp, createHttpServiceCopy, createRowReread, verifySlice } from '@banyan/cdc/verify';
import { watchFile, type FileWatch } from '@banyan/kit/sqlite';
import { createLogger, runProcess, type Closable } from '@banyan/kit';
import { loadAdminToken } from './adapters/admin-token.ts';
import { loadConfigFile } from './adapters/config-file.ts';
import { openSqliteStore } from './adapters/sqlite-store.ts';
import { createServiceWithoutCopy } from './adapters/service-without-copy.ts';
import { readSettings, refuseTablesWithoutFeed, type ControlConfig } from './config.ts';
import { createControl } from './control.ts';
import { noFeed, type FeedParts } from './no-feed.ts';
import { openFeed, type Feed } from './open-feed.ts';

/** How long a service may take for one answer, milliseconds. */
const SERVICE_DEADLINE_MS = 10_000;

const log = createLogger('control');

/** What is asked of the feed, and what it tells. */
async function followFeed(
  { bus, source, history }: Feed,
  settings: ControlConfig,
  signal: AbortSignal,
): Promise<FeedParts> {
  const { topicPrefix: prefix, slotName: slot } = settings;
  const tableSnapshots = await followTableSnapshots({ bus, prefix, signal });
  tableSnapshots.ended.catch((error: unknown) => {
    // Without it every copy would seem to stand still; whoever supervises us starts us anew.
    log.fatal({ err: error }, 'table snapshots can no longer be followed');
    process.exit(1);
  });
  const known = { source, bus, prefix, feed: { log: history, slot } };
  const caughtUp = createCaughtUp(known);
  const rowReread = createRowReread(known);
  const pace = {
    maxRowsPerSecond: settings.verifyMaxRowsPerSecond ?? null,
    maxServiceLatencyMs: settings.verifyMaxServiceLatencyMs,
  };
  const verify: FeedParts['verify'] = ({ repair, maxLagMs, ...options }) =>
    verifySlice({
      ...{ ...options, source, caughtUp, reread: repair ? rowReread : null },
      ...{ pace: { ...pace, maxLagMs }, pageRows: settings.verifyPageRows },
    });
  return { bus, source, history, tableSnapshots, caughtUp, rowReread, verify };
}

/** Looks at the files that the control plane writes, all the time. They are closed with what else is on the stack. */
async function watchStores(
  settings: ReturnType<typeof readSettings>,
  stack: Closable[],
): Promise<FileWatch[]> {
  const { own, feed } = settings;
  const files = [
    { file: own.storeFile, name: "the control plane's store" },
    ...(feed?.stack === 'embedded' ? [{ file: feed.busFile ?? '', name: 'the bus' }] : []),
  ];
  const watches: FileWatch[] = [];
  for (const { file, name } of files) {
    const watch = await watchFile({ file, name, logger: log });
    stack.push(watch);
    watches.push(watch);
  }
  return watches;
}

/** The one place that wires the control plane together. */
async function start(): Promise<Closable> {
  const settings = readSettings();
  const { peerToken, adminTokenFile, configFile, serviceUrls, storeFile } = settings.own;
  const loaded = await loadConfigFile({ file: configFile, serviceUrls });
  const { config } = loaded;
  for (const notice of config.notices) log.warn({ file: configFile }, notice);
  if (settings.feed === null) refuseTablesWithoutFeed(config.slices);
  const adminToken = await loadAdminToken(adminTokenFile);
  const closing = new AbortController();
  const stack: Closable[] = [];
  const closeAll = async (): Promise<void> => {
    closing.abort();
    for (const each of stack.splice(0).reverse()) await each.close();
  };
  try {
    const store = await openSqliteStore({ file: storeFile });
    stack.push(store);
    const feed = settings.feed === null ? null : await openFeed(settings.feed, log);
    if (feed) stack.push(feed);
    const stores = await watchStores(settings, stack);
    const parts = feed && settings.feed ? await followFeed(feed, settings.feed, closing.signal) : noFeed();
    const services = Object.fromEntries(
      Object.entries(loaded.serviceUrls).map(([name, url]) => {
        const hasTables = config.slices.some((slice) => slice.name === name && slice.tables.length > 0);
        const copy = hasTables
          ? createHttpServiceCopy({ url, peerToken, deadlineMs: SERVICE_DEADLINE_MS })
          : createServiceWithoutCopy({
              name,
              url,
              readyPath: config.serviceOf[name]?.ready,
              deadlineMs: SERVICE_DEADLINE_MS,
            });
        return [name, { url, copy }];
      }),
    );
    const { host, port, topicPrefix, monolithUrl, gateGraceMs, retainedWalWarnBytes } = settings.own;
    const control = await createControl({
      ...{ ...parts, config, services, store, topicPrefix, monolithUrl, gateGraceMs, retainedWalWarnBytes },
      ...{ hasFeed: feed !== null, stores, slot: settings.feed?.slotName ?? '' },
      ...{ outboxTable: settings.feed?.outboxTable, adminToken, peerToken, host, port, log },
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
