import { openBus, startConsumer, syncRoutes, type BusSettings, type Consumer } from '@banyan/cdc/apply';
import { defaultGateLimits, type SliceDefinition, type SyncReport } from '@banyan/contracts';
import { Backoff, messageOf, OpenParts, requireBearer, type Logger } from '@banyan/kit';
import { Router, type RequestHandler } from 'express';
import type { OpenStore } from './store/store.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/** The folder of an embedded bus must exist; until it does, the copy waits. */
export interface CopyOptions extends BusSettings {
  readonly slice: SliceDefinition;
  /** Topic prefix of the source, e.g. `shop`. */
  readonly topicPrefix: string;
  /** What the control plane proves itself with below `/_banyan`. */
  readonly peerToken: string;
  /** Stays open when the copy closes: it belongs to the caller. */
  readonly store: Pick<OpenStore, 'apply' | 'problems'>;
  /** Age of the last heartbeat from which reads are refused, milliseconds. Default: what the slice says. */
  readonly refuseReadsAfterMs?: number | undefined;
  readonly log: Logger;
}

/** The copy of the monolith's rows, kept up to date as long as this is open. */
export interface Copy {
  /** What the control plane asks, below `/_banyan`; 503 until the copy has started. */
  readonly routes: RequestHandler;
  /** Null until the copy has started. */
  report(): SyncReport | null;
  /** Why the copy makes no progress; empty while it runs. */
  problems(): readonly string[];
  /** Why no reader may be answered from the copy: it is too old, has missed records, or was never made. Null: he may. */
  unfitness(): string | null;
  /** Finishes the batch in hand. Idempotent. */
  close(): Promise<void>;
}

interface Running {
  /** What `close()` closes: the bus, and before it the consumer. */
  readonly parts: OpenParts;
  readonly consumer: Consumer;
  readonly routes: RequestHandler;
}

async function start(options: CopyOptions, signal: AbortSignal): Promise<Running> {
  const { slice, topicPrefix: prefix, peerToken, log: logger } = options;
  const { apply: store } = options.store;
  const parts = new OpenParts();
  const opened = await openBus(options, { clientId: `banyan-${slice.name}`, logger, signal });
  const bus = parts.add(opened.bus);
  try {
    const consumer = parts.add(await startConsumer({ slice, group: slice.name, prefix, bus, store, logger }));
    const problems = (): readonly string[] => options.store.problems();
    return { parts, consumer, routes: syncRoutes({ consumer, store, peerToken, problems }) };
  } catch (error) {
    await parts.close();
    throw error;
  }
}

/**
 * Begins to copy, beside whatever else the process does. What fails is tried again, for ever and with growing pauses.
 */
export function keepCopy(options: CopyOptions): Copy {
  const { log, slice } = options;
  const limits = { ...defaultGateLimits, ...slice.gates };
  const maxHeartbeatAgeMs = options.refuseReadsAfterMs ?? limits.refuseReadsAfterMs;
  const stop = new AbortController();
  let running: Running | undefined;
  let problem = 'the copy has not started yet';

  const run = async (): Promise<void> => {
    const backoff = new Backoff({ firstMs: FIRST_RETRY_MS, lastMs: LAST_RETRY_MS });
    do {
      try {
        running = await start(options, stop.signal);
        return; // from here on the consumer itself tries again
      } catch (error) {
        problem = `the copy cannot start: ${messageOf(error)}`;
        log.error({ err: error, retryWithinMs: backoff.limitMs }, 'the copy cannot start');
      }
    } while (await backoff.wait(stop.signal));
  };
  const started = run();
  const waiting = Router().use('/_banyan', requireBearer(options.peerToken), (_request, response) => {
    response.status(503).json({ error: { code: 'copy-not-started', message: problem } });
  });

  return {
    routes: (request, response, next) => {
      (running?.routes ?? waiting)(request, response, next);
    },
    report: () => running?.consumer.report() ?? null,
    problems: () => {
      if (!running) return [problem];
      const { state, error } = running.consumer.report();
      return state === 'running' ? [] : [`the copy is ${state}${error === null ? '' : `: ${error}`}`];
    },
    // How old the rows are, and whether any are missing, is not known before.
    unfitness: () => (running ? running.consumer.unfitness({ maxHeartbeatAgeMs }) : problem),
    async close() {
      stop.abort();
      await started;
      await running?.parts.close();
    },
  };
}

/** In the place of a copy, for a slice without tables: there is nothing to wait for. */
export const nothingCopied: Copy = {
  routes: (_request, _response, next) => {
    next();
  },
  report: () => null,
  problems: () => [],
  unfitness: () => null,
  close: () => Promise.resolve(),
};
