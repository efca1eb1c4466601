import type { IncomingMessage } from 'node:http';
import { SERVED_BY_HEADER } from '@banyan/contracts';
import type { UpstreamAnswer } from '../forward/data-plane.ts';
import { HOP_BY_HOP, namedByConnection, withLengthLast } from '../forward/domain/connection-headers.ts';

/** The value of a raw header list's field, several joined by a comma; undefined without one. @param name In lower case. */
export function fieldOf(raw: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.length !== name.length || raw[i]?.toLowerCase() !== name) continue;
    value = value === undefined ? raw[i + 1] : `${value}, ${raw[i + 1] ?? ''}`;
  }
  return value;
}

/**
 * Headers for the client, duplicates and order kept; name, value, name, value.
 *
 * @param extra Added at the end.
 */
export function clientResponseHeaders(raw: readonly string[], extra: readonly string[]): string[] {
  const named = namedByConnection(fieldOf(raw, 'connection'));
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || lower === SERVED_BY_HEADER || named.includes(lower)) continue;
    headers.push(name, raw[i + 1] ?? '');
  }
  headers.push('via', '1.1 banyan', ...extra);
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
 * An answer's headers for the client, as Node's server takes them.
 *
 * @param extra Headers to add; name, value, name, value.
 */
export function answerHeaders(
  { status, headers: raw }: UpstreamAnswer,
  request: IncomingMessage,
  extra: readonly string[],
): string[] {
  const headers = clientResponseHeaders(raw, extra);
  if (status === 204) return withoutLength(headers); // RFC 9110 8.6
  const trailer = fieldOf(raw, 'trailer');
  // Node refuses it on any other answer, and there no trailers follow.
  const isChunked =
    trailer !== undefined &&
    fieldOf(raw, 'content-length') === undefined &&
    request.httpVersion === '1.1' &&
    request.method !== 'HEAD' &&
    status !== 304;
  if (isChunked) headers.push('trailer', trailer);
  return withLengthLast(headers);
}
