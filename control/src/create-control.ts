import type { ResolvedBanyanConfig } from '@banyan/contracts';
import { listen, OpenParts, startLoop, type Closable, type Logger, type Loop, type Work } from '@banyan/kit';
import { busRoutes } from './bus/bus-routes.ts';
import { systemClock, type Clock } from './clock.ts';
import { catalogRoutes } from './feed/catalog-routes.ts';
import { caughtUpRoutes } from './feed/caught-up-routes.ts';
import { outboxRoutes } from './feed/outbox-routes.ts';
import type { FeedParts } from './feed/ports.ts';
import { watchFeed, type FeedSettings } from './feed/watch-feed.ts';
import { collectEvidence } from './gates/collect-evidence.ts';
import { createApp } from './http/app.ts';
import { journalRoutes } from './journal/journal-routes.ts';
import type { ControlStore } from './open-store.ts';
import { createQuarantine } from './quarantine/create-quarantine.ts';
import { CanaryGuard } from './reconcile/canary-guard.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import { openRoutes } from './routes/open-routes.ts';
import { findSlice, type Service } from './slices/managed-slice.ts';
import { openSlices } from './slices/open-slices.ts';
import { serviceFailure } from './slices/service-copy.ts';
import { StatusReporter } from './status/status-report.ts';
import { statusRoutes } from './status/status-routes.ts';
import { SliceVerbs } from './verbs/slice-verbs.ts';
import { verbRoutes } from './verbs/verb-routes.ts';
import { verificationRoutes } from './verification/verification-routes.ts';
import { VerificationRunner } from './verification/verification-runner.ts';
import type { Verify } from './verification/verify.ts';

/** What a control plane is made of. Nothing of it is closed by the control plane. */
export interface ControlDeps extends FeedParts, FeedSettings {
  readonly config: ResolvedBanyanConfig;
  /** Slice name to the service's base URL and its copy. Every slice has one. */
  readonly services: Readonly<Record<string, Service>>;
  readonly store: ControlStore;
  readonly verify: Verify;
  /** Base URL of each of the monolith's servers. */
  readonly monolithUpstreams: readonly string[];
  /** How long a gate may fail in canary before the reads are taken back, milliseconds. */
  readonly gateGraceMs: number;
  readonly adminToken: string;
  readonly peerToken: string;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** 0 for a free one. */
  readonly port: number;
  /** Watches of the files that are used, whose problems `status` shows first. Default: none. */
  readonly stores?: readonly { problems(): readonly string[] }[];
  readonly log: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** A running control plane. */
export interface Control extends Closable {
  /** Base URL of its API. */
  readonly url: string;
  /** One round of everything that otherwise runs each second: evidence, reconciling, publication. */
  tick(): Promise<void>;
  /** Starts doing that by itself. */
  start(): void;
}

/**
 * Puts a control plane together and opens its API. It does nothing by itself before `start()`.
 *
 * @throws when a slice has no service or copies the outbox, the store cannot be read, or the port is taken. What was opened
 * until then is closed again.
 * @example
 * const control = await createControl({ config, services, store, database, feed, bus, ... });
 * control.start();
 */
export async function createControl(deps: ControlDeps): Promise<Control> {
  const parts = new OpenParts();
  try {
    return await openControl(deps, parts);
  } catch (error) {
    await parts.close();
    throw error;
  }
}

/** Wires the features, each one to those that it stands on. */
async function openControl(given: ControlDeps, parts: OpenParts): Promise<Control> {
  const deps = { clock: systemClock, ...given };
  const { config, log, adminToken, peerToken, monolithUpstreams } = deps;
  const opened = await openSlices({ ...deps, definitions: config.slices });
  const base = { ...deps, slices: opened.slices, ledger: opened.ledger };
  const routes = parts.add(await openRoutes({ ...base, settings: { ...config, monolithUpstreams } }));
  parts.add(opened); // before the routes: what it writes at the end is published
  const feed = watchFeed(base);
  const { proxies, published } = routes;
  const { evidence, work: asking } = collectEvidence({ ...base, ...feed, source: deps, proxies });
  const gated = { ...base, evidence };
  const verifications = parts.add(new VerificationRunner({ ...gated, store: deps.store.verifications }));
  await verifications.open(opened.slices.map(({ name }) => name));
  const quarantine = createQuarantine(gated);
  const verbs = new SliceVerbs({ ...gated, verifications, feed: feed.monitor, published });
  const guard = new CanaryGuard({ ...gated, graceMs: deps.gateGraceMs });
  const reconciler = new Reconciler({ ...gated, driver: feed.driver, guard, verifications, proxies });
  const stores = deps.stores ?? [];
  const reporter = new StatusReporter({
    ...gated,
    ...feed,
    feed: feed.monitor,
    proxies,
    reconciler,
    verifications,
    stores,
  });
  const app = createApp({
    routes: [
      routes.addRoutes,
      caughtUpRoutes({ ...base, rounds: feed.rounds }),
      catalogRoutes(deps.feed),
      busRoutes({ ...deps, slices: config.slices }),
      statusRoutes(reporter),
      verificationRoutes(verifications, opened.slices),
      journalRoutes({
        journal: (query) => opened.ledger.journal(query),
        checkSlice: (name) => findSlice(opened.slices, name),
      }),
      quarantine.addRoutes,
      outboxRoutes(feed.outbox),
      verbRoutes(verbs, opened.slices),
    ],
    adminToken,
    peerToken,
    translate: serviceFailure,
    log,
  });
  const { host, port } = deps;
  const server = parts.add(await listen(app, { port, log, ...(host !== undefined && { host }) }));
  // Ended first, since the server would wait for them: rounds of catching up that a proxy waits for, and open streams.
  parts.add(feed);
  parts.add(routes.streams);
  const work = [
    ...feed.work,
    ...asking,
    ...reconciler.work(opened.slices),
    ...quarantine.work,
    ...opened.work,
    ...routes.work,
  ];
  return running(server.url, work, parts);
}

function running(url: string, work: readonly Work[], parts: OpenParts): Control {
  let loops: readonly Loop[] = [];
  return {
    url,
    async tick() {
      const { signal } = new AbortController();
      for (const { run } of work) await run(signal);
    },
    start() {
      if (loops.length > 0) return;
      loops = work.map(startLoop);
      parts.add({
        async close() {
          await Promise.all(loops.map((loop) => loop.close()));
        },
      });
    },
    close: () => parts.close(),
  };
}
