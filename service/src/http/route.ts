import type { Query } from '../list-query.ts';

/** Who asks, by the proxy's signed token. */
export interface Customer {
  /** A decimal string. */
  readonly id: string;
  readonly displayName: string;
}

type ParamName<Path extends string> = Path extends `${string}/:${infer Rest}`
  ? Rest extends `${infer Name}/${infer Tail}`
    ? Name | ParamName<`/${Tail}`>
    : Rest
  : never;

/** The `:name` segments of a path, decoded. */
export type PathParams<Path extends string> = string extends Path
  ? Readonly<Record<string, string>>
  : { readonly [Name in ParamName<Path>]: string };

/** What a route's handler gets. */
export interface RouteRequest<Path extends string = string> {
  readonly params: PathParams<Path>;
  readonly query: Query;
  /** JSON, or the fields of a form; undefined without a body. */
  readonly body: unknown;
  /** Null for a visitor who is not signed in, and on a route without `identity`. */
  readonly customer: Customer | null;
}

/** A page: the name of a template, and what it shows beside the frame's own. */
export class View {
  readonly template: string;
  readonly locals: object;

  constructor(template: string, locals: object) {
    this.template = template;
    this.locals = locals;
  }
}

/** A page, by its template's name. */
export const view = (template: string, locals: object): View => new View(template, locals);

/** Where the browser goes next, after a form (303). */
export class SeeOther {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }
}

/** Sends the browser on after a form. @param path on this site, e.g. `/account` */
export const seeOther = (path: string): SeeOther => new SeeOther(path);

export interface RouteOptions {
  /** True where the answer depends on who asks. Default false: the token is not looked at. */
  readonly identity?: boolean;
}

export type RouteMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One method at one path. */
export interface Route {
  readonly method: RouteMethod;
  /** Literal and `:name` segments, as in `slice.ts`. */
  readonly path: string;
  /** `data` is JSON, and an operation of the OpenAPI file; `page` is HTML. */
  readonly kind: 'data' | 'page';
  readonly identity: boolean;
  /** Null for what another application does: the method is told of, and refused with 409. */
  readonly handle: ((request: RouteRequest) => unknown) | null;
}

type Handler<Path extends string, Answer> = (request: RouteRequest<Path>) => Answer | Promise<Answer>;
type HandlerArguments<Path extends string, Answer> =
  | readonly [handler: Handler<Path, Answer>]
  | readonly [options: RouteOptions, handler: Handler<Path, Answer>];

function routeOf<Path extends string, Answer>(
  about: Pick<Route, 'method' | 'kind'> & { readonly path: Path },
  given: HandlerArguments<Path, Answer>,
): Route {
  const [{ identity = false }, handler] = given.length === 1 ? [{}, given[0]] : given;
  // The parameters are those of `path`: whoever calls it matched that very path.
  return { ...about, identity, handle: handler as NonNullable<Route['handle']> };
}

/**
 * `GET` of JSON, and HEAD with it. What the handler returns is the body.
 *
 * @example
 * get('/v1/products/:slug/stock', async ({ params }) => found(await store.levelOf(params.slug)));
 */
export const get = <Path extends string>(path: Path, ...given: HandlerArguments<Path, unknown>): Route =>
  routeOf({ method: 'GET', kind: 'data', path }, given);

/** `GET` of a page, and HEAD with it. */
export const page = <Path extends string>(path: Path, ...given: HandlerArguments<Path, View>): Route =>
  routeOf({ method: 'GET', kind: 'page', path }, given);

const writes =
  (method: RouteMethod) =>
  <Path extends string>(path: Path, ...given: readonly [] | HandlerArguments<Path, unknown>): Route =>
    given.length === 0
      ? { method, kind: 'data', path, identity: false, handle: null }
      : routeOf({ method, kind: 'data', path }, given);

/**
 * `POST`. Without a handler it is one that another application takes: named so that OPTIONS tells of the same methods on
 * both sides, and refused with 409. `put`, `patch` and `remove` (`DELETE`) likewise.
 */
export const post = writes('POST');
export const put = writes('PUT');
export const patch = writes('PATCH');
export const remove = writes('DELETE');
