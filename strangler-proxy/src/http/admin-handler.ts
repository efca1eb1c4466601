import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Explanation, ProxyReport } from '@banyan/contracts';
import { hasBearer } from '@banyan/kit';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { ExplainQuestion } from '../use-cases/explain-request.ts';

export interface AdminHandlerOptions {
  readonly peerToken: string;
  readonly registry: Registry;
  readonly isClosing: () => boolean;
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
    .string({ error: 'path: give one, e.g. path=/products/teapot/reviews' })
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
export function createAdminHandler(options: AdminHandlerOptions): RequestListener {
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

  const open: Record<string, (response: ServerResponse) => void> = {
    '/healthz': (response) => sendJson(response, 200, { status: 'ok' }),
    '/readyz': (response) =>
      sendJson(response, isClosing() ? 503 : 200, {
        status: isClosing() ? 'closing' : 'ready',
        snapshotVersion: snapshotVersion(),
      }),
    '/metrics': (response) => {
      registry.metrics().then(
        (text) => {
          response.writeHead(200, { 'content-type': registry.contentType });
          response.end(text);
        },
        (error: unknown) => sendRefusal(response, 500, { code: 'metrics-failed', message: String(error) }),
      );
    },
  };
  const forPeers: Record<string, (response: ServerResponse, query: URLSearchParams) => void> = {
    '/report': (response) => sendJson(response, 200, report()),
    '/explain': (response, query) => answerExplain(query, response),
  };

  return (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://admin');
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const openPage = open[pathname];
    const peerPage = forPeers[pathname];
    if (!isRead || (!openPage && !peerPage)) {
      sendRefusal(response, 404, {
        code: 'not-found',
        message: 'GET /healthz, /readyz, /metrics, /explain or /report.',
      });
    } else if (openPage) {
      openPage(response);
    } else if (hasBearer(request.headers.authorization, peerToken)) {
      peerPage?.(response, searchParams);
    } else {
      response.setHeader('www-authenticate', 'Bearer');
      sendRefusal(response, 401, { code: 'unauthorized', message: 'This address wants the peer token.' });
    }
  };
}
