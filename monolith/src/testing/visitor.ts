/** A browser without a screen, for tests: keeps cookies, follows nothing by itself, sends forms as browsers do. */
export interface Visitor {
  readonly cookies: Map<string, string>;
  get(path: string): Promise<Reply>;
  /** Sends a form with token and Origin, as a page of the shop does. */
  post(path: string, form?: Readonly<Record<string, string>>): Promise<Reply>;
  /** Sends JSON with token and Origin. */
  send(method: string, path: string, body?: unknown): Promise<Reply>;
  /** A request just as given, with the cookies. */
  raw(path: string, init: RawRequest): Promise<Reply>;
}

export interface RawRequest {
  readonly method?: string;
  readonly body?: string | URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Where a redirect leads; '' without one. */
  readonly location: string;
  readonly json: () => unknown;
}

const DEADLINE_MS = 15_000;

/** A new visitor of the shop at `base`, e.g. `http://127.0.0.1:3000`. */
export function createVisitor(base: string): Visitor {
  const cookies = new Map<string, string>();
  const keep = (header: string) => {
    const [pair = '', ...attributes] = header.split(';');
    const at = pair.indexOf('=');
    const gone = attributes.some((attribute) => /^\s*expires=thu, 01 jan 1970/i.test(attribute));
    if (gone) cookies.delete(pair.slice(0, at));
    else cookies.set(pair.slice(0, at), pair.slice(at + 1));
  };
  const raw: Visitor['raw'] = async (path, init) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(path, base), {
      redirect: 'manual',
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...init,
      headers: { ...(cookie ? { cookie } : {}), ...init.headers },
    });
    response.headers.getSetCookie().forEach(keep);
    const text = await response.text();
    const location = response.headers.get('location') ?? '';
    return {
      status: response.status,
      headers: response.headers,
      text,
      location,
      json: () => JSON.parse(text) as unknown,
    };
  };
  const token = async () => {
    if (!cookies.has('csrf')) await raw('/api/session', {});
    return cookies.get('csrf') ?? '';
  };
  return {
    cookies,
    raw,
    get: (path) => raw(path, {}),
    async post(path, form = {}) {
      const body = new URLSearchParams({ _csrf: await token(), ...form });
      return raw(path, { method: 'POST', body, headers: { origin: base } });
    },
    async send(method, path, body) {
      const headers = { origin: base, 'x-csrf-token': await token(), 'content-type': 'application/json' };
      return raw(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    },
  };
}

let customers = 0;

/** A new visitor who has just opened an account named `displayName`. */
export async function createCustomer(
  base: string,
  displayName = 'Ann',
): Promise<Visitor & { readonly email: string }> {
  const visitor = createVisitor(base);
  customers += 1;
  const email = `customer${customers}@example.com`;
  const reply = await visitor.post('/sign-up', { displayName, email, password: 'a long password' });
  if (reply.status !== 303) throw new Error(`Sign-up answered ${reply.status}: ${reply.text}`);
  return { ...visitor, email };
}
