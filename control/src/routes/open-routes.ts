import type { Closable, Logger, Work } from '@banyan/kit';
import type { Clock } from '../clock.ts';
import type { AddRoutes } from '../http/add-routes.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import { ProxyRegistry } from './proxy-registry.ts';
import { routesRoutes } from './routes-routes.ts';
import { RoutesPublisher, type RoutesSettings } from './routes-publisher.ts';
import { createRoutesStream } from './routes-stream.ts';

/** How soon a step of another control plane on the same store is published here, milliseconds. */
const REFRESH_INTERVAL_MS = 1_000;

/** The routes as proxies get them, and what proxies tell. */
export interface Routes extends Closable {
  readonly proxies: ProxyRegistry;
  /** Publishes a step that was made. Does not throw: the step stands, and publishing is tried again. */
  readonly published: () => Promise<void>;
  readonly addRoutes: AddRoutes;
  readonly work: readonly Work[];
  /** Those that are open; a server can close only after them. */
  readonly streams: Closable;
}

/**
 * Publishes the routes that the store says. `close()` waits for a publication that runs.
 *
 * @throws what the store throws, and Error when the routes do not fit the contract.
 */
export async function openRoutes(deps: {
  readonly ledger: SliceLedger;
  readonly slices: readonly ManagedSlice[];
  readonly settings: RoutesSettings;
  readonly peerToken: string;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<Routes> {
  const { ledger, clock, log, peerToken } = deps;
  const publisher = new RoutesPublisher(deps);
  const proxies = new ProxyRegistry(clock);
  const onError = (error: unknown): void =>
    log.error({ err: error }, 'the routes were not published; the old ones stay');
  const published = (): Promise<void> => publisher.refresh().catch(onError);
  await publisher.refresh();
  ledger.onCommit(() => void published());
  const stream = createRoutesStream(publisher);
  return {
    proxies,
    published,
    addRoutes: routesRoutes({ publisher, stream, proxies, ledger, peerToken }),
    work: [{ intervalMs: REFRESH_INTERVAL_MS, run: () => publisher.refresh(), onError }],
    streams: stream,
    close: () => publisher.close(),
  };
}
