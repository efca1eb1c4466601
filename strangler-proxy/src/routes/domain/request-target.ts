/** The path of a request target that can be forwarded, or why it cannot. */
export type RequestTarget =
  | {
      readonly ok: true;
      /** As sent, without the query; for an absolute address without its origin. Starts with `/`. */
      readonly path: string;
    }
  | { readonly ok: false; readonly problem: string };

/** Where an origin ends in an absolute address (RFC 9112 3.2.2), which a server has to take like the path in it. */
const ORIGIN = /^https?:\/\/[^/?#]+/;
const FORWARDABLE = /^[\x21-\xff]*$/;

/**
 * Finds the path in a request target. Nothing is decoded or refused for how it may be read: that is for
 * the readings of the path and the routes to say.
 */
export function parseRequestTarget(raw: string): RequestTarget {
  if (!FORWARDABLE.test(raw)) return { ok: false, problem: 'it has spaces or control characters' };
  const isAbsolute = !raw.startsWith('/');
  const origin = isAbsolute ? ORIGIN.exec(raw)?.[0] : '';
  if (origin === undefined) {
    return { ok: false, problem: 'only a path, or an http(s) address with one, is served' };
  }
  const rest = raw.slice(origin.length);
  const queryAt = rest.indexOf('?');
  const path = queryAt === -1 ? rest : rest.slice(0, queryAt);
  // After an origin the path may be missing, and stands for `/`.
  return { ok: true, path: path.startsWith('/') ? path : `/${path}` };
}
