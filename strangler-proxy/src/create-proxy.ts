import { randomBytes } from 'node:crypto';
import type { ProxyReport } from '@banyan/contracts';
import { silentLogger, type Closable, type Logger } from '@banyan/kit';
import { createDataPathProbe } from './admin/data-path-probe.ts';
import { openAdmin } from './admin/open-admin.ts';
import type { ProxyConfig } from './config.ts';
import { createControlLink } from './control-link.ts';
import { explainRequest } from './decide/explain-request.ts';
import { createRequestPlanner } from './decide/plan-request.ts';
import { createForward } from './forward/create-forward.ts';
import type { DataPlane } from './forward/data-plane.ts';
import { readUpstreamTls } from './forward/upstream-tls.ts';
import { createClientLimits, openPublicListener } from './open-public-listener.ts';
import { OpenedParts } from './opened-parts.ts';
import { createOutbound } from './outbound/create-outbound.ts';
import { createMetrics } from './report/metrics.ts';
import { createProxyReport } from './report/proxy-report.ts';
import { Traffic } from './report/traffic.ts';
import { createActiveRoutes, type SnapshotVerdict } from './routes/active-routes.ts';
import { createSnapshotFile } from './routes/snapshot-file.ts';
import { createVisitors } from './visitor/create-visitors.ts';

type Required = 'monolithUpstreams' | 'peerToken' | 'identityPrivateKey' | 'pinSecret' | 'overrideToken';

/** Settings as in `config.ts`; all but the first line have defaults. */
export interface ProxyOptions
  extends Pick<ProxyConfig, Required>, Partial<Omit<ProxyConfig, Required | 'controlUrl' | 'snapshotFile'>> {
  /** Null for a proxy that is given its snapshots by `applySnapshot` only. Default null. */
  readonly controlUrl?: string | null;
  /** Null for none. Default null. */
  readonly snapshotFile?: string | null;
  /** Default silent. */
  readonly log?: Logger;
  /** Adds Node's own metrics; once a process. Default false. */
  readonly withProcessMetrics?: boolean;
  /** Carries the bytes. Default: Node's client. */
  readonly dataPlane?: DataPlane;
}

export interface Proxy extends Closable {
  /** Base URL for customers. */
  readonly url: string;
  /** Base URL of the admin listener. */
  readonly adminUrl: string;
  report(): ProxyReport;
  /** Takes a routes snapshot as if the control plane had sent it. */
  applySnapshot(candidate: unknown): SnapshotVerdict;
}

/**
 * Starts a proxy: two listeners, and what keeps it in touch with the control plane. A start that fails leaves nothing
 * open.
 *
 * @throws Error with code EADDRINUSE when a port is taken.
 * @example
 * const proxy = await createProxy({ ...readProxyConfig(), log });
 */
export async function createProxy(options: ProxyOptions): Promise<Proxy> {
  const opened = new OpenedParts();
  try {
    return await open(options, opened);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Each part is closed before those that it uses; customers' requests end first, with everything still in place. */
async function open(options: ProxyOptions, opened: OpenedParts): Promise<Proxy> {
  const { proxyId = 'proxy-1', log = silentLogger, controlUrl = null, snapshotFile = null } = options;
  const { peerToken } = options;
  const pseudonym = `banyan-${proxyId}-${randomBytes(4).toString('hex')}`;
  const tls = readUpstreamTls({ caFile: options.upstreamCaFile, names: options.upstreamTlsNames });
  const outbound = opened.add(createOutbound({ ...options, ...tls, controlUrl }));
  const forward = opened.add(createForward({ ...options, pseudonym, tls }));
  const { dataPlane, breakerOf, openWebSockets } = forward;
  const traffic = new Traffic();
  const visitors = opened.add(
    await createVisitors({
      ...options,
      ...outbound,
      monolithInTurn: () => forward.turns.of(monolith()),
      log,
    }),
  );
  const routes = opened.add(
    createActiveRoutes({
      file: snapshotFile === null ? null : createSnapshotFile(snapshotFile),
      log,
      onApplied(table) {
        traffic.useSnapshot(table.snapshot);
        visitors.useRoutes(table);
        openWebSockets.useRoutes(table);
      },
    }),
  );
  const monolith = (): readonly string[] =>
    routes.current?.snapshot.monolithUpstreams ?? options.monolithUpstreams;
  const report = createProxyReport({
    proxyId,
    traffic,
    routes,
    breakerOf,
    urls: () => ({ adminUrl: options.adminUrl ?? admin.url, publicUrl: publicListener.url }),
  });
  const link = createControlLink({
    controlUrl,
    peerToken,
    proxyId,
    outbound,
    onSnapshot: (text) => routes.applyText(text),
    report,
    log,
  });
  const limits = createClientLimits({ ...options, log });
  const probe = createDataPathProbe({
    dataPlane,
    publicUrl: () => publicListener.url,
    monolith,
    path: options.readyPath ?? '/healthz',
    deadlineMs: options.readyDeadlineMs ?? 2_000,
  });
  let isClosing = false;

  // The start: 1. the last known routes, 2. the listeners, 3. the control plane, which may be down.
  await routes.loadFile();
  const admin = opened.add(
    await openAdmin({
      ...options,
      log,
      registry: createMetrics({
        traffic,
        routes,
        rounds: visitors.rounds,
        breakerOf,
        limits,
        openWebSockets,
        link,
        withProcessMetrics: options.withProcessMetrics ?? false,
      }),
      isClosing: () => isClosing,
      lookAtDataPath: () => probe.look(),
      snapshotVersion: () => routes.current?.snapshot.version ?? 0,
      report,
      explain: (question) => explainRequest(question, { table: routes.current, breakerOf, proxyId }),
    }),
  );
  opened.add(link);
  const publicListener = opened.add(
    await openPublicListener({
      ...options,
      forward,
      visitors,
      plan: createRequestPlanner({ visitors, breakerOf, log }),
      traffic,
      limits,
      probe,
      pseudonym,
      routes: () => routes.current,
      monolithWithoutSnapshot: {
        upstreams: options.monolithUpstreams,
        deadlineMs: options.monolithDeadlineMs ?? 30_000,
      },
      log,
      accessLog: options.accessLog ? log : null,
    }),
  );
  link.start();

  return {
    url: publicListener.url,
    adminUrl: admin.url,
    report,
    applySnapshot: (candidate) => routes.apply(candidate),
    close() {
      isClosing = true;
      return opened.close();
    },
  };
}
