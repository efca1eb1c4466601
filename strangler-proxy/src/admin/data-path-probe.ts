import { randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { DataPlane, ForwardFailure } from '../forward/data-plane.ts';

/**
 * What became of a question to the monolith: it was answered through this proxy; the monolith answers, but not
 * through this proxy; the monolith does not answer at all.
 */
export type DataPath = 'works' | 'wedged' | 'monolith-unreachable';

export interface DataPathProbe {
  /** Looks, at most once a second; those who ask meanwhile share the answer. Never rejects. */
  look(): Promise<DataPath>;
  /** True for the probe's own request on the public listener, which only it can send. */
  isOwn(request: IncomingMessage): boolean;
  /** Serves it: straight to the monolith, and counted nowhere. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export interface DataPathProbeOptions {
  readonly dataPlane: DataPlane;
  /** Base URL of the public listener. */
  readonly publicUrl: () => string;
  readonly monolithUrl: () => string;
  /** Asked for by HEAD; whatever the monolith answers will do. */
  readonly path: string;
  readonly deadlineMs: number;
  /** How long an answer holds, milliseconds. Default 1,000. */
  readonly cacheMs?: number;
}

const PROBE_HEADER = 'banyan-probe';
/** Marks what the proxy itself says about a probe, as against what the monolith answered. */
const RESULT_HEADER = 'banyan-probe-result';

const BROKEN: ReadonlySet<ForwardFailure> = new Set(['refused', 'reset', 'deadline', 'protocol']);

/** Headers of an answer to HEAD, on a connection of its own; null with none in time. */
function askHead(
  url: URL,
  headers: Record<string, string>,
  deadlineMs: number,
): Promise<IncomingMessage | null> {
  return new Promise((resolve) => {
    const ask = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const signal = AbortSignal.timeout(deadlineMs);
    const request = ask(url, { method: 'HEAD', agent: false, headers, signal });
    request.once('response', (response) => {
      response.destroy();
      resolve(response);
    });
    request.once('error', () => resolve(null)); // which one it was makes no difference here
    request.end();
  });
}

/** Asks the monolith the way a customer does: through the public listener and the data plane. */
export function createDataPathProbe(options: DataPathProbeOptions): DataPathProbe {
  const { dataPlane, publicUrl, monolithUrl, path, deadlineMs, cacheMs = 1_000 } = options;
  const secret = randomBytes(16).toString('base64url');
  let last: Promise<DataPath> | null = null;

  async function findOut(): Promise<DataPath> {
    const host = new URL(monolithUrl()).host;
    const own = await askHead(new URL(path, publicUrl()), { host, [PROBE_HEADER]: secret }, deadlineMs);
    if (!own) return 'wedged'; // not even the proxy itself answers
    if (own.headers[RESULT_HEADER] !== 'failed') return 'works';
    const direct = await askHead(new URL(path, monolithUrl()), { host }, deadlineMs);
    return direct ? 'wedged' : 'monolith-unreachable';
  }

  return {
    look() {
      if (last) return last;
      const result = findOut();
      last = result;
      void result.finally(() => setTimeout(() => (last = null), cacheMs).unref());
      return result;
    },
    isOwn: ({ headers }) => headers[PROBE_HEADER] === secret,
    async serve(request, response) {
      const outcome = await dataPlane.forward(request, response, monolithUrl(), {
        deadlineMs: deadlineMs * 0.8, // so that there is time to say that it failed
      });
      if (response.headersSent || response.destroyed) return;
      // One that the proxy turned away, for want of a place say, is no sign of a broken path.
      const isFailed = outcome.kind === 'failed' && BROKEN.has(outcome.failure);
      response.writeHead(502, 'Bad Gateway', { [RESULT_HEADER]: isFailed ? 'failed' : 'busy' }).end();
    },
  };
}
