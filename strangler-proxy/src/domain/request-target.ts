/** A request target that can be read in one way only, or why it cannot. */
export type RequestTarget =
  | {
      readonly ok: true;
      /** Decoded segments, for matching. `/` has none; a trailing slash adds none. */
      readonly segments: readonly string[];
    }
  | { readonly ok: false; readonly problem: string };

const refuse = (problem: string): RequestTarget => ({ ok: false, problem });
const PRINTABLE_PATH = /^\/[\x21-\x7e]*$/;
const PRINTABLE_QUERY = /^[\x21-\x7e\x80-\xff]*$/;
const CONTROL = /\p{Cc}/u;

/** Decodes one segment, or gives the problem with it as an object. */
function decodeSegment(raw: string): string | { readonly problem: string } {
  if (raw === '') return { problem: 'empty segments (//) are refused' };
  if (!raw.includes('%')) return isDots(raw) ? { problem: 'dot segments are refused' } : raw;
  if (/%(?:2f|5c)/i.test(raw)) return { problem: 'an encoded slash or backslash is refused' };
  let decoded: string;
  try {
    decoded = decodeURIComponent(raw);
  } catch {
    return { problem: 'percent-encoding is malformed or not UTF-8' }; // decodeURIComponent says no more
  }
  if (CONTROL.test(decoded)) return { problem: 'control characters are refused' };
  return isDots(decoded) ? { problem: 'dot segments are refused' } : decoded;
}

/** `.` and `..`, also with parameters behind them (`..;x`), which some servers cut off before they resolve. */
function isDots(segment: string): boolean {
  return segment.startsWith('.') && /^\.{1,2}(?:;|$)/.test(segment);
}

/**
 * Parses the request target as the client sent it. The proxy routes on the decoded path and forwards the bytes as
 * sent, so whatever an upstream could read differently (a dot segment, `%2f`, `//`, a backslash) is refused. The
 * query takes no part in routing. Matching is case-sensitive.
 */
export function parseRequestTarget(raw: string): RequestTarget {
  const queryAt = raw.indexOf('?');
  const path = queryAt === -1 ? raw : raw.slice(0, queryAt);
  if (!path.startsWith('/')) return refuse('only a path is served (no absolute address, no *)');
  if (raw.includes('#')) return refuse('a fragment does not belong in a request');
  if (!PRINTABLE_PATH.test(path) || path.includes('\\')) {
    return refuse('the path has a backslash, or a character that must be percent-encoded');
  }
  if (queryAt !== -1 && !PRINTABLE_QUERY.test(raw.slice(queryAt))) {
    return refuse('the query has control characters');
  }
  const parts = path.slice(1).split('/');
  // `/cart/` and `/cart` are one place to most servers; matching them apart would route one and not the other.
  if (parts.at(-1) === '') parts.pop();
  const segments: string[] = [];
  for (const part of parts) {
    const segment = decodeSegment(part);
    if (typeof segment !== 'string') return refuse(segment.problem);
    segments.push(segment);
  }
  return { ok: true, segments };
}
