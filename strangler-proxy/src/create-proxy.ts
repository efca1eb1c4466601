import { randomBytes } from 'node:crypto';
import type { ProxyReport } from '@banyan/contracts';
import {
  createIdentitySigner,
  listen,
  silentLogger,
  type Closable,
  type ListenOptions,
  type Logger,
} from '@banyan/kit';
import { Agent, buildConnector } from 'undici';
import { createControlClient } from './outbound/control-client.ts';
import { createDataPathProbe } from './admin/data-path-probe.ts';
import { createAddressCheck, isLoop, trustedAddresses } from './forward/forwarded-headers.ts';
import { createHttpDataPlane, type DataPlaneOptions } from './forward/http-data-plane.ts';
import { createMetrics } from './report/metrics.ts';
import { createPinCookies } from './visitor/pin-cookie.ts';
import { createSessionLookup } from './visitor/session-lookup.ts';
import { createSliceBreaker } from './forward/slice-breaker.ts';
import { createSnapshotFile } from './routes/snapshot-file.ts';
import { openSnapshotStream } from './routes/snapshot-stream.ts';
import { readUpstreamTls, type UpstreamTls } from './forward/upstream-tls.ts';
import { createTunnelOpener } from './forward/web-socket-tunnel.ts';
import type { ProxyConfig } from './config.ts';
import { createAdminHandler } from './admin/admin-handler.ts';
import { ClientLimits } from './server/client-limits.ts';
import { createRequestPlanner } from './decide/plan-request.ts';
import { createPublicHandler } from './public-handler.ts';
import { RequestServer } from './serve-request.ts';
import { WebSocketServer } from './serve-web-socket.ts';
import { createVisitReader, digestOfKey } from './visitor/visit.ts';
import type { DataPlane } from './forward/data-plane.ts';
import { explainRequest } from './decide/explain-request.ts';
import { createIdentityKeeper } from './visitor/identity-keeper.ts';
import { KeyPins } from './visitor/key-pins.ts';
import { OpenWebSockets } from './forward/open-web-sockets.ts';
import { createPinKeeper } from './visitor/pin-keeper.ts';
import type { BreakerOf, ControlClient, SliceBreaker } from './ports.ts';
import { startReporting } from './report/reporter.ts';
import { createRoutesHolder, type SnapshotVerdict } from './routes/routes-holder.ts';
import { Traffic } from './report/traffic.ts';

type Required = 'monolithUrl' | 'peerToken' | 'identityPrivateKey' | 'pinSecret' | 'overrideToken';

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

const NO_CONTROL: ControlClient = {
  report: () => Promise.resolve(),
  isCaughtUp: () => Promise.resolve(false), // nobody to ask: pins stay
};

/**
 * Starts a proxy: two listeners, and what keeps it in touch with the control plane.
 *
 * @throws Error with code EADDRINUSE when a port is taken.
 * @example
 * const proxy = await createProxy({ ...readProxyConfig(), log });
 */
export async function createProxy(options: ProxyOptions): Promise<Proxy> {
  const { proxyId = 'proxy-1', log = silentLogger, controlUrl = null } = options;
  const startedAtMs = Date.now();
  const pseudonym = `banyan-${proxyId}-${randomBytes(4).toString('hex')}`;
  const tls = readUpstreamTls({ caFile: options.upstreamCaFile, names: options.upstreamTlsNames });
  const outbound = createOutbound(tls, options.connectTimeoutMs ?? 2_000);
  const control = controlUrl
    ? createControlClient({ controlUrl, peerToken: options.peerToken, dispatcher: outbound })
    : NO_CONTROL;
  let isClosing = false;
  let isControlConnected = false;

  // What is known
  const traffic = new Traffic();
  const breakerOf = createBreakers(options);
  const openWebSockets = new OpenWebSockets(options.webSocketDrainMs ?? 30_000);
  const pins = createPinKeeper({ isCaughtUp: control.isCaughtUp, log });
  const routes = createRoutesHolder({
    file: options.snapshotFile ? createSnapshotFile(options.snapshotFile) : null,
    log,
    onApplied(table) {
      traffic.useSnapshot(table.snapshot);
      pins.useSlices(table.copiedSlices);
      openWebSockets.useRoutes(table);
    },
  });
  const identities = createIdentityKeeper({
    lookUp: createSessionLookup({
      monolithUrl: () => monolithUrl(),
      dispatcher: outbound,
    }),
    signer: await createIdentitySigner(options.identityPrivateKey),
  });

  // What serves
  const dataPlane =
    options.dataPlane ?? createHttpDataPlane({ pseudonym, tls, ...dataPlaneSettings(options) });
  const pinCookies = createPinCookies(options.pinSecret);
  const trusted = trustedAddresses(options.trustedProxies ?? []);
  const limits = new ClientLimits({
    maxRequests: options.clientMaxRequests ?? 1_000,
    maxConnections: options.clientMaxConnections ?? 5_000,
    trusted,
    log,
  });
  const monolithUrl = (): string => routes.current?.snapshot.monolithUrl ?? options.monolithUrl;
  const probe = createDataPathProbe({
    dataPlane,
    publicUrl: () => publicListener.url,
    monolithUrl,
    path: options.readyPath ?? '/healthz',
    deadlineMs: options.readyDeadlineMs ?? 2_000,
  });
  const serving = {
    readVisit: createVisitReader({
      overrideToken: options.overrideToken,
      pins: pinCookies,
      trustedProxies: options.trustedProxies ?? [],
      isAmong: createAddressCheck(),
    }),
    plan: createRequestPlanner({ identities, breakerOf, log }),
    pins,
    keyPins: new KeyPins(pins, { startsPinned: controlUrl !== null }),
    breakerOf,
    traffic,
    monolithWithoutSnapshot: {
      url: options.monolithUrl,
      deadlineMs: options.monolithDeadlineMs ?? 30_000,
    },
    log,
    accessLog: options.accessLog ? log : null,
  };
  const publicPages = createPublicHandler({
    requestServer: new RequestServer({ ...serving, dataPlane, identities, pinCookies }),
    webSocketServer: new WebSocketServer({
      ...serving,
      openTunnel: createTunnelOpener(tls),
      openWebSockets,
      headers: { pseudonym, trusted },
    }),
    limits,
    probe,
    routes: () => routes.current,
    isLoop: (request) => isLoop(request, pseudonym),
    traffic,
    log,
  });
  const adminPages = createAdminHandler({
    peerToken: options.peerToken,
    registry: createMetrics({
      traffic,
      routes,
      pins,
      breakerOf,
      limits,
      openWebSockets,
      isControlConnected: () => isControlConnected,
      withProcessMetrics: options.withProcessMetrics ?? false,
    }),
    isClosing: () => isClosing,
    lookAtDataPath: () => probe.look(),
    snapshotVersion: () => routes.current?.snapshot.version ?? 0,
    report,
    explain: (question) =>
      explainRequest(question, { table: routes.current, breakerOf, proxyId, digestOfKey }),
  });

  // The start: 1. the last known routes, 2. the listeners, 3. the control plane, which may be down.
  await routes.loadFile();
  const adminListener = await listen(adminPages, {
    port: options.adminPort ?? 0,
    log,
    ...(options.adminHost !== undefined && { host: options.adminHost }),
  });
  const publicListener = await listen(publicPages.handle, {
    ...listenerSettings(options),
    log,
    onExpectContinue: publicPages.handle,
    onWebSocket: publicPages.handleWebSocket,
  }).catch(async (error: unknown) => {
    await adminListener.close();
    throw error;
  });
  limits.attach(publicListener.server);
  const stream = controlUrl
    ? openSnapshotStream({
        controlUrl,
        peerToken: options.peerToken,
        proxyId,
        dispatcher: outbound,
        log,
        onSnapshot: (text) => routes.applyText(text),
        onConnected(isConnected) {
          isControlConnected = isConnected;
        },
      })
    : null;
  const reporting = controlUrl ? startReporting({ send: control.report, report, log }) : null;

  function report(): ProxyReport {
    const snapshot = routes.current?.snapshot;
    return {
      proxyId,
      adminUrl: options.adminUrl ?? adminListener.url,
      publicUrl: publicListener.url,
      startedAtMs,
      snapshotVersion: snapshot?.version ?? 0,
      requests: traffic.requests,
      clientErrors: traffic.clientErrors,
      slices: snapshot ? traffic.report(snapshot, breakerOf) : [],
    };
  }

  async function stop(): Promise<void> {
    isClosing = true;
    // Customers first: what they have begun ends with everything still in place. But WebSockets, which never end.
    openWebSockets.close();
    await publicListener.close();
    await Promise.all([stream?.close(), reporting?.close(), pins.close()]);
    await routes.close();
    await dataPlane.close();
    await outbound.destroy();
    await adminListener.close();
  }
  let stopped: Promise<void> | undefined;

  return {
    url: publicListener.url,
    adminUrl: adminListener.url,
    report,
    applySnapshot: (candidate) => routes.apply(candidate),
    close: () => (stopped ??= stop()),
  };
}

/** The client for the proxy's own questions, to the control plane and the monolith. */
function createOutbound(tls: UpstreamTls, timeout: number): Agent {
  const connect = buildConnector({
    allowH2: false,
    timeout,
    ...(tls.ca !== undefined && { ca: [...tls.ca] }),
  });
  return new Agent({
    allowH2: false,
    connections: 64,
    connect: (options, callback) =>
      connect({ ...options, servername: tls.serverNameOf(options.hostname) }, callback),
  });
}

function createBreakers({ breakerFailures, breakerHalfOpenAfterMs }: ProxyOptions): BreakerOf {
  const breakers = new Map<string, SliceBreaker>();
  return (slice) => {
    let breaker = breakers.get(slice);
    if (!breaker) {
      breaker = createSliceBreaker({
        ...(breakerFailures !== undefined && { consecutiveFailures: breakerFailures }),
        ...(breakerHalfOpenAfterMs !== undefined && { halfOpenAfterMs: breakerHalfOpenAfterMs }),
      });
      breakers.set(slice, breaker);
    }
    return breaker;
  };
}

function listenerSettings(options: ProxyOptions): ListenOptions {
  return {
    port: options.port ?? 0,
    ...(options.host !== undefined && { host: options.host }),
    graceMs: options.drainMs ?? 8_000,
    headersTimeoutMs: options.clientHeadersTimeoutMs ?? 60_000,
    idleTimeoutMs: options.clientIdleTimeoutMs ?? 120_000,
    keepAliveTimeoutMs: options.clientKeepAliveMs ?? 65_000,
    maxHeaderBytes: options.maxHeaderBytes ?? 32_768,
    minUploadBytesPerSecond: options.minUploadBytesPerSecond ?? 500,
  };
}

function dataPlaneSettings(options: ProxyOptions): Omit<DataPlaneOptions, 'pseudonym' | 'tls'> {
  const { connectTimeoutMs, bodyIdleTimeoutMs, giveUpAfterMs, trustedProxies } = options;
  const { upstreamMaxOutstanding, upstreamKeepAliveMs, upstreamMaxHeaderBytes } = options;
  return {
    ...(connectTimeoutMs !== undefined && { connectTimeoutMs }),
    ...(bodyIdleTimeoutMs !== undefined && { bodyIdleTimeoutMs }),
    ...(giveUpAfterMs !== undefined && { giveUpAfterMs }),
    ...(upstreamMaxOutstanding !== undefined && { maxOutstanding: upstreamMaxOutstanding }),
    ...(upstreamKeepAliveMs !== undefined && { keepAliveMs: upstreamKeepAliveMs }),
    ...(upstreamMaxHeaderBytes !== undefined && { maxHeaderBytes: upstreamMaxHeaderBytes }),
    ...(trustedProxies !== undefined && { trustedProxies }),
  };
}
