import { randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { DataPlane } from '../forward/data-plane.ts';
import type { ForwardFailure } from '../forward/domain/forward-outcome.ts';
import type { Client } from '../server/client.ts';

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
  serve(client: Client): Promise<void>;
}

export interface DataPathProbeOptions {
  readonly dataPlane: DataPlane;
  /** Base URL of the public listener. */
  readonly publicUrl: () => string;
  /** Base URLs of the monolith. */
  readonly monolith: () => readonly string[];
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
  const { dataPlane, publicUrl, monolith, path, deadlineMs, cacheMs = 1_000 } = options;
  const secret = randomBytes(16).toString('base64url');
  let last: Promise<DataPath> | null = null;

  async function answersItself(url: string): Promise<boolean> {
    const { host } = new URL(url);
    return (await askHead(new URL(path, url), { host }, deadlineMs)) !== null;
  }

  async function findOut(): Promise<DataPath> {
    const [first = ''] = monolith();
    const { host } = new URL(first);
    const own = await askHead(new URL(path, publicUrl()), { host, [PROBE_HEADER]: secret }, deadlineMs);
    if (!own) return 'wedged'; // not even the proxy itself answers
    if (own.headers[RESULT_HEADER] !== 'failed') return 'works';
    const answers = await Promise.all(monolith().map(answersItself));
    return answers.includes(true) ? 'wedged' : 'monolith-unreachable';
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
    async serve(client) {
      const reply = await dataPlane.forward(client.request, monolith(), {
        deadlineMs: deadlineMs * 0.8, // so that there is time to say that it failed
        waiter: client,
      });
      const outcome = reply.kind === 'answer' ? await client.send(reply) : reply;
      if (outcome.kind !== 'failed') return;
      // One that the proxy turned away, for want of a place say, is no sign of a broken path.
      const result = BROKEN.has(outcome.failure) ? 'failed' : 'busy';
      client.sendProblem({
        status: 502,
        code: 'probe-failed',
        message: 'The monolith was not reached.',
        headers: [RESULT_HEADER, result],
      });
    },
  };
}
