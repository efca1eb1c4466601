import { createCaughtUp, createHttpServiceCopy, createRowReread, verifySlice } from '@banyan/cdc/verify';
import { followTableSnapshots } from '@banyan/cdc/capture';
import { watchFile, type FileWatch } from '@banyan/kit/sqlite';
import type { ResolvedBanyanConfig } from '@banyan/contracts';
import { OpenParts, type Closable, type Logger } from '@banyan/kit';
import { loadConfigFile } from './config-file.ts';
import { refuseTablesWithoutFeed, type ControlConfig, type OwnConfig } from './config.ts';
import { createControl, type Control } from './create-control.ts';
import { noFeed, NoFeedError } from './feed/no-feed.ts';
import { openFeed } from './feed/open-feed.ts';
import type { FeedParts } from './feed/ports.ts';
import { loadAdminToken } from './http/admin-token.ts';
import { openSqliteStore } from './open-store.ts';
import type { Service } from './slices/managed-slice.ts';
import { createServiceWithoutCopy } from './slices/service-without-copy.ts';
import type { Verify } from './verification/verify.ts';

/** How long a service may take for one answer, milliseconds. */
const SERVICE_DEADLINE_MS = 10_000;

/** The settings, as `readSettings` gives them. */
export interface ControlSettings {
  readonly own: OwnConfig;
  /** Null where no slice copies a table. */
  readonly feed: ControlConfig | null;
}

/**
 * Opens everything that a control plane is made of, and starts it. The one place that wires adapters.
 *
 * @param options.onFatal Called when it cannot go on, and is to be restarted.
 * @throws what a part throws that cannot be opened; those before it are closed then.
 */
export async function startControl(options: {
  readonly settings: ControlSettings;
  readonly log: Logger;
  readonly onFatal: () => void;
}): Promise<Control> {
  const parts = new OpenParts();
  try {
    const control = await openAll(options, parts);
    control.start();
    return { ...control, close: () => parts.close() };
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function openAll(options: Parameters<typeof startControl>[0], parts: OpenParts): Promise<Control> {
  const { settings, log } = options;
  const { own } = settings;
  const { config, serviceUrls } = await loadConfigFile({
    file: own.configFile,
    serviceUrls: own.serviceUrls,
  });
  for (const notice of config.notices) log.warn({ file: own.configFile }, notice);
  if (settings.feed === null) refuseTablesWithoutFeed(config.slices);
  const adminToken = await loadAdminToken(own.adminTokenFile);
  const store = parts.add(await openSqliteStore({ file: own.storeFile }));
  const stores = [await watchStore({ file: own.storeFile, name: "the control plane's store" }, log, parts)];
  let feed: FeedParts & { readonly verify: Verify } = {
    ...noFeed(),
    verify: () => Promise.reject(new NoFeedError()),
  };
  if (settings.feed) {
    feed = await followFeed(settings.feed, options, parts);
    const { stack, busFile } = settings.feed;
    if (stack === 'embedded')
      stores.push(await watchStore({ file: busFile ?? '', name: 'the bus' }, log, parts));
  }
  return parts.add(
    await createControl({
      ...own,
      ...feed,
      config,
      services: servicesOf(config, serviceUrls, own.peerToken),
      store,
      stores,
      hasFeed: settings.feed !== null,
      slot: settings.feed?.slotName ?? '',
      outboxTable: settings.feed?.outboxTable,
      adminToken,
      log,
    }),
  );
}

/** What is asked of the feed, and what it tells. */
async function followFeed(
  settings: ControlConfig,
  { log, onFatal }: Parameters<typeof startControl>[0],
  parts: OpenParts,
): Promise<FeedParts & { readonly verify: Verify }> {
  const { topicPrefix: prefix, slotName: slot } = settings;
  const { database, feed, bus, history } = parts.add(await openFeed(settings, log));
  const closing = new AbortController();
  const tableSnapshots = await followTableSnapshots({ bus, prefix, signal: closing.signal });
  const followed = tableSnapshots.ended.catch((error: unknown) => {
    // Without it every copy would seem to stand still.
    log.fatal({ err: error }, 'table snapshots can no longer be followed');
    onFatal();
  });
  parts.add({
    close() {
      closing.abort();
      return followed;
    },
  });
  const known = { source: database, bus, prefix, feed: { log: history, slot } };
  const caughtUp = createCaughtUp(known);
  const rowReread = createRowReread(known);
  const { verifyMaxRowsPerSecond: maxRowsPerSecond = null, verifyMaxServiceLatencyMs: maxServiceLatencyMs } =
    settings;
  const verify: Verify = ({ repair, maxLagMs, ...asked }) =>
    verifySlice({
      ...asked,
      source: database,
      caughtUp,
      reread: repair ? rowReread : null,
      pace: { maxRowsPerSecond, maxServiceLatencyMs, maxLagMs },
      pageRows: settings.verifyPageRows,
    });
  return { database, feed, bus, history, tableSnapshots, caughtUp, rowReread, verify };
}

/** Looks at a file that the control plane writes, all the time. */
async function watchStore(
  store: { readonly file: string; readonly name: string },
  logger: Logger,
  parts: OpenParts,
): Promise<FileWatch & Closable> {
  return parts.add(await watchFile({ ...store, logger }));
}

function servicesOf(
  config: ResolvedBanyanConfig,
  urls: Readonly<Record<string, string>>,
  peerToken: string,
): Record<string, Service> {
  return Object.fromEntries(
    Object.entries(urls).map(([name, url]) => {
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
}
