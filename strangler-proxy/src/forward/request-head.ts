import type { IncomingMessage } from 'node:http';
import { hasBody } from './data-plane.ts';
import { withLengthLast } from './domain/connection-headers.ts';
import { upstreamRequestHeaders, type RequestHeaderOptions } from './forwarded-headers.ts';

/** Methods whose requests have no body unless they say so; others have to say that they have none (RFC 9110 8.6). */
const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/** What Node's client is started with. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  /** Name, value, name, value. */
  readonly headers: string[];
}

/** A request that is HTTP by Node's parser, and cannot be sent on in one meaning only. */
export class RequestHeadError extends Error {
  readonly code = 'bad-request';
  override readonly name = 'RequestHeadError';
}

function assertOneMeaning({ rawHeaders, headers }: IncomingMessage): void {
  const codings = headers['transfer-encoding'];
  if (codings !== undefined && codings.toLowerCase() !== 'chunked') {
    throw new RequestHeadError(`transfer coding ${codings} is not understood`); // RFC 9112 6.1
  }
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length === 4 && rawHeaders[i]?.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts > 1) throw new RequestHeadError('more than one Host'); // RFC 9112 3.2
}

/**
 * A request's head for an upstream: who asks (`forwarded-headers.ts`), and how its body comes.
 *
 * @throws RequestHeadError for one that must not be sent on.
 */
export function requestHead(request: IncomingMessage, options: RequestHeaderOptions): RequestHead {
  assertOneMeaning(request);
  const { method = 'GET', url: path = '/', headers: parsed } = request;
  const headers = upstreamRequestHeaders(request, options);
  if (parsed['transfer-encoding'] !== undefined) {
    headers.push('transfer-encoding', 'chunked');
    if (parsed.trailer !== undefined) headers.push('trailer', parsed.trailer);
  } else if (parsed['content-length'] === undefined && !BODILESS.has(method)) {
    headers.push('content-length', '0');
  }
  // Trailers of answers are passed on, so a client's wish for them may be as well.
  if (parsed['te']?.toString().toLowerCase().includes('trailers')) {
    headers.push('te', 'trailers', 'connection', 'keep-alive, te');
  }
  // The upstream answers it, so that it can turn a body down before it comes; on HTTP/1.0 it means nothing.
  if (hasBody(request) && request.httpVersion === '1.1' && parsed.expect?.toLowerCase() === '100-continue') {
    headers.push('expect', '100-continue');
  }
  return { method, path, headers: withLengthLast(headers) };
}
