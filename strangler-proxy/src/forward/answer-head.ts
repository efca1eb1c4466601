import type { IncomingMessage } from 'node:http';
import { clientResponseHeaders } from './forwarded-headers.ts';

/** An answer that is HTTP by its form, and must not be passed on. */
export class AnswerError extends Error {
  readonly code = 'upstream-answer';
  override readonly name = 'AnswerError';
}

/** Fields that say how to read or route a message, or who asks: never taken from a trailer (RFC 9110 6.5.1). */
const NEVER_A_TRAILER =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-(?:length|encoding|type|range)|host|expect|cookie|set-cookie|authorization|via|forwarded|x-forwarded-.*|x-real-ip|banyan-.*)$/i;

/** @param raw Trailers; name, value, name, value. @returns Those that may be passed on, as pairs. */
export function passableTrailers(raw: readonly string[]): [string, string][] {
  const trailers: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (!NEVER_A_TRAILER.test(name)) trailers.push([name, raw[i + 1] ?? '']);
  }
  return trailers;
}

/**
 * Moves `Content-Length` to the end: after it Node takes `Content-Disposition` for UTF-8, and changes its bytes or
 * refuses them.
 */
export function withLengthLast(headers: string[]): string[] {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.length === 14 && headers[i]?.toLowerCase() === 'content-length') {
      headers.push(...headers.splice(i, 2));
      break;
    }
  }
  return headers;
}

function withoutLength(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== 'content-length') kept.push(headers[i] ?? '', headers[i + 1] ?? '');
  }
  return kept;
}

/**
 * An answer's head for the client.
 *
 * @param extra Headers to add; name, value, name, value.
 * @throws AnswerError for one that must not be passed on.
 */
export function answerHead(
  incoming: IncomingMessage,
  request: IncomingMessage,
  extra: readonly string[],
): { readonly statusText: string; readonly headers: string[] } {
  const { statusCode = 0, statusMessage: statusText = '', headers: parsed, rawHeaders } = incoming;
  if (statusCode < 200) throw new AnswerError(`the upstream answered with the status ${statusCode}`);
  const headers = clientResponseHeaders(rawHeaders, extra);
  if (statusCode === 204) return { statusText, headers: withoutLength(headers) }; // RFC 9110 8.6
  const isChunked =
    parsed.trailer !== undefined &&
    parsed['content-length'] === undefined &&
    request.httpVersion === '1.1' &&
    request.method !== 'HEAD' &&
    statusCode !== 304;
  // Node refuses it on any other answer, and there no trailers follow.
  if (isChunked) headers.push('trailer', parsed.trailer ?? '');
  return { statusText, headers: withLengthLast(headers) };
}
