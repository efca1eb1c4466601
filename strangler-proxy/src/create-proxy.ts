import { randomBytes } from 'node:crypto';
import type { ProxyReport } from '@banyan/contracts';
import { createIdentitySigner, listen, silentLogger, type Closable, type Logger } from '@banyan/kit';
import { Agent, buildConnector } from 'undici';
import { createControlClient } from './adapters/control-client.ts';
import { createAddressCheck, isLoop } from './adapters/forwarded-headers.ts';
import { createHttpDataPlane, type DataPlaneOptions } from './adapters/http-data-plane.ts';
import { createMetrics } from './adapters/metrics.ts';
import { createPinCookies } from './adapters/pin-cookie.ts';
import { createSessionLookup } from './adapters/session-lookup.ts';
import { createSliceBreaker } from './adapters/slice-breaker.ts';
import { createSnapshotFile } from './adapters/snapshot-file.ts';
import { openSnapshotStream } from './adapters/snapshot-stream.ts';
import { readUpstreamTls, type UpstreamTls } from './adapters/upstream-tls.ts';
import type { ProxyConfig } from './config.ts';
import { createAdminHandler } from './http/admin-handler.ts';
import { createRequestPlanner } from './http/plan-request.ts';
import { createPublicHandler } from './http/public-handler.ts';
import { RequestServer } from './http/serve-request.ts';
import { createVisitReader, digestOfKey } from './http/visit.ts';
import type { DataPlane } from './use-cases/data-plane.ts';
import { explainRequest } from './use-cases/explain-request.ts';
import { createIdentityKeeper } from './use-cases/identity-keeper.ts';
import { KeyPins } from './use-cases/key-pins.ts';
import { createPinKeeper } from './use-cases/pin-keeper.ts';
import type { BreakerOf, ControlClient, SliceBreaker } from './use-cases/ports.ts';
import { startReporting } from './use-cases/reporter.ts';
import { createRoutesHolder, type SnapshotVerdict } from './use-cases/routes-holder.ts';
import { Traffic } from './use-cases/traffic.ts';

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
  const outbound = createOutbound(tls);
  const control = controlUrl
    ? createControlClient({ controlUrl, peerToken: options.peerToken, dispatcher: outbound })
    : NO_CONTROL;
  let isClosing = false;
  let isControlConnected = false;

  // What is known
  const traffic = new Traffic();
  const breakerOf = createBreakers(options);
  const pins = createPinKeeper({ isCaughtUp: control.isCaughtUp, log });
  const routes = createRoutesHolder({
    file: options.snapshotFile ? createSnapshotFile(options.snapshotFile) : null,
    log,
    onApplied(table) {
      traffic.useSnapshot(table.snapshot);
      pins.useSlices(table.copiedSlices);
    },
  });
  const identities = createIdentityKeeper({
    lookUp: createSessionLookup({
      monolithUrl: () => routes.current?.snapshot.monolithUrl ?? options.monolithUrl,
      dispatcher: outbound,
    }),
    signer: await createIdentitySigner(options.identityPrivateKey),
  });

  // What serves
  const dataPlane =
    options.dataPlane ?? createHttpDataPlane({ pseudonym, tls, ...dataPlaneSettings(options) });
  const pinCookies = createPinCookies(options.pinSecret);
  const requestServer = new RequestServer({
    dataPlane,
    readVisit: createVisitReader({
      overrideToken: options.overrideToken,
      pins: pinCookies,
      trustedProxies: options.trustedProxies ?? [],
      isAmong: createAddressCheck(),
    }),
    plan: createRequestPlanner({ identities, breakerOf, log }),
    identities,
    pins,
    keyPins: new KeyPins(pins, { startsPinned: controlUrl !== null }),
    pinCookies,
    breakerOf,
    traffic,
    monolithWithoutSnapshot: {
      url: options.monolithUrl,
      deadlineMs: options.monolithDeadlineMs ?? 30_000,
    },
    log,
    accessLog: options.accessLog ? log : null,
  });
  const publicPages = createPublicHandler({
    requestServer,
    routes: () => routes.current,
    isLoop: (request) => isLoop(request, pseudonym),
    traffic,
    log,
    isClosing: () => isClosing,
  });
  const adminPages = createAdminHandler({
    peerToken: options.peerToken,
    registry: createMetrics({
      traffic,
      routes,
      pins,
      breakerOf,
      isControlConnected: () => isControlConnected,
      withProcessMetrics: options.withProcessMetrics ?? false,
    }),
    isClosing: () => isClosing,
    snapshotVersion: () => routes.current?.snapshot.version ?? 0,
    report,
    explain: (question) =>
      explainRequest(question, { table: routes.current, breakerOf, proxyId, digestOfKey }),
  });

  // The start: 1. the last known routes, 2. the listeners, 3. the control plane, which may be down.
  await routes.loadFile();
  const adminListener = await listen(adminPages, {
    port: options.adminPort ?? 0,
    ...(options.adminHost !== undefined && { host: options.adminHost }),
  });
  const publicListener = await listen(publicPages.handle, {
    port: options.port ?? 0,
    ...(options.host !== undefined && { host: options.host }),
  }).catch(async (error: unknown) => {
    await adminListener.close();
    throw error;
  });
  publicPages.attach(publicListener.server);
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
    // Customers first: what they have begun ends with everything still in place.
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
function createOutbound(tls: UpstreamTls): Agent {
  const connect = buildConnector({ allowH2: false, ...(tls.ca !== undefined && { ca: [...tls.ca] }) });
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
