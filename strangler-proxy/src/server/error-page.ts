import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { sendRawAnswer } from '@banyan/kit';

export interface ProblemPage {
  readonly status: number;
  /** Stable, e.g. `upstream-deadline`. */
  readonly code: string;
  /** One sentence for people. */
  readonly message: string;
  /** Further headers; name, value, name, value. */
  readonly headers?: readonly string[];
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

function wantsJson({ headers, url }: IncomingMessage): boolean {
  const { accept } = headers;
  if (accept?.includes('text/html')) return false;
  return accept?.includes('json') === true || url?.startsWith('/api/') === true;
}

function render(request: IncomingMessage, { code, message }: ProblemPage): { type: string; text: string } {
  if (wantsJson(request)) {
    return { type: 'application/json; charset=utf-8', text: JSON.stringify({ error: { code, message } }) };
  }
  const text = escapeHtml(message);
  return {
    type: 'text/html; charset=utf-8',
    text: `<!doctype html><html lang="en"><meta charset="utf-8"><title>${text}</title><h1>${text}</h1><p>${escapeHtml(code)}</p></html>\n`,
  };
}

/** Answers in the proxy's own name: HTML, or JSON where that is asked for. */
export function sendProblem(request: IncomingMessage, response: ServerResponse, page: ProblemPage): void {
  if (response.headersSent) {
    response.destroy(); // he has the beginning of another answer, and must not take it for whole
    return;
  }
  const { type, text } = render(request, page);
  const body = Buffer.from(text);
  // With its reason phrase: one that made an earlier writeHead throw is still set, and would throw again.
  response.writeHead(page.status, STATUS_CODES[page.status] ?? 'Unknown', [
    'content-type',
    type,
    'content-length',
    String(body.length),
    'cache-control',
    'no-store',
    ...(page.headers ?? []),
  ]);
  response.end(request.method === 'HEAD' ? undefined : body);
  request.resume(); // whatever is left of its body, so that the connection can serve the next request
}

/** The same to whoever asked for a WebSocket: on the bare connection, which ends with it. */
export function sendProblemTo(socket: Duplex, request: IncomingMessage, page: ProblemPage): void {
  const { type, text } = render(request, page);
  sendRawAnswer(socket, { status: page.status, message: text, contentType: type });
}
