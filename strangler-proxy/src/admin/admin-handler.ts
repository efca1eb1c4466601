import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Explanation, ProxyReport } from '@banyan/contracts';
import { hasBearer, type HttpHandler } from '@banyan/kit';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { DataPath } from './data-path-probe.ts';
import type { ExplainQuestion } from '../decide/explain-request.ts';

export interface AdminHandlerOptions {
  readonly peerToken: string;
  readonly registry: Registry;
  readonly isClosing: () => boolean;
  /** Whether answers of the monolith come through this proxy now. */
  readonly lookAtDataPath: () => Promise<DataPath>;
  readonly snapshotVersion: () => number;
  readonly report: () => ProxyReport;
  /** @returns what is wrong with the path, as text. */
  readonly explain: (question: ExplainQuestion) => Explanation | string;
}

const questionSchema = z.object({
  method: z
    .string()
    .regex(/^[A-Za-z]+$/, 'method: a word such as GET')
    .default('GET')
    .transform((method) => method.toUpperCase()),
  path: z
    .string({ error: 'path: give one, e.g. path=/products/teapot' })
    .startsWith('/', 'path: starts with /'),
  user: z.string().min(1).nullable().default(null),
  visitor: z.string().min(1).nullable().default(null),
  key: z.string().min(1).nullable().default(null),
  pinned: z.stringbool().default(false),
  override: z.enum(['monolith', 'service']).nullable().default(null),
});

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  });
  response.end(JSON.stringify(value));
}

function sendRefusal(
  response: ServerResponse,
  status: number,
  error: { code: string; message: string },
): void {
  sendJson(response, status, { error });
}

/** The admin listener's pages: health and metrics for anybody who can reach it, the rest for peers. */
export function createAdminHandler(options: AdminHandlerOptions): HttpHandler {
  const { peerToken, registry, isClosing, snapshotVersion, report, explain } = options;

  function answerExplain(query: URLSearchParams, response: ServerResponse): void {
    const question = questionSchema.safeParse(Object.fromEntries(query));
    if (!question.success) {
      const message = question.error.issues.map((issue) => issue.message).join('; ');
      sendRefusal(response, 400, { code: 'invalid-request', message });
      return;
    }
    const explanation = explain(question.data);
    if (typeof explanation === 'string') {
      sendRefusal(response, 400, { code: 'bad-request-target', message: explanation });
    } else {
      sendJson(response, 200, explanation);
    }
  }

  /** 503 when another proxy had better be asked. A monolith that is away is away for all of them: that is only said. */
  async function answerReady(response: ServerResponse): Promise<void> {
    const dataPath = isClosing() ? null : await options.lookAtDataPath();
    const status = isClosing() ? 'closing' : dataPath === 'wedged' ? 'wedged' : 'ready';
    sendJson(response, status === 'ready' ? 200 : 503, {
      status,
      snapshotVersion: snapshotVersion(),
      ...(dataPath !== null && { monolith: dataPath === 'monolith-unreachable' ? 'unreachable' : 'answers' }),
    });
  }

  const open: Record<string, (response: ServerResponse) => unknown> = {
    '/healthz': (response) => sendJson(response, 200, { status: 'ok' }),
    '/readyz': answerReady,
    '/metrics': async (response) => {
      const text = await registry.metrics();
      response.writeHead(200, { 'content-type': registry.contentType });
      response.end(text);
    },
  };
  const forPeers: Record<string, (response: ServerResponse, query: URLSearchParams) => void> = {
    '/report': (response) => sendJson(response, 200, report()),
    '/explain': (response, query) => answerExplain(query, response),
  };

  return (request: IncomingMessage, response: ServerResponse): unknown => {
    // Cut by hand: what a client may send as a target is not always a URL.
    const [pathname = '', query = ''] = (request.url ?? '/').split(/\?(.*)/s, 2);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const openPage = open[pathname];
    const peerPage = forPeers[pathname];
    if (!isRead || (!openPage && !peerPage)) {
      sendRefusal(response, 404, {
        code: 'not-found',
        message: 'GET /healthz, /readyz, /metrics, /explain or /report.',
      });
    } else if (openPage) {
      return openPage(response);
    } else if (hasBearer(request.headers.authorization, peerToken)) {
      peerPage?.(response, new URLSearchParams(query));
    } else {
      response.setHeader('www-authenticate', 'Bearer');
      sendRefusal(response, 401, { code: 'unauthorized', message: 'This address wants the peer token.' });
    }
    return undefined;
  };
}
