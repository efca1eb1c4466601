import type { Request, RequestHandler, Response } from 'express';
import type { ShopDatabase } from '../database/open-database.ts';
import { ShopError } from '../web/shop-error.ts';

/** Who is signed in, as every page's header knows him. */
export interface SignedInCustomer {
  readonly id: string;
  readonly displayName: string;
}

/** Looks up the session's customer, for `signedIn` and for the header (`res.locals.customer`). */
export function loadCustomer({ Customer }: ShopDatabase): RequestHandler {
  return async (req, res, next) => {
    const id = req.session.customerId;
    if (id !== undefined) {
      const found = await Customer.findByPk(id, { attributes: ['id', 'displayName'] });
      res.locals['customer'] = found && { id: found.id, displayName: found.displayName };
    }
    next();
  };
}

/** The signed-in customer of this request, or null. */
export function signedIn(res: Response): SignedInCustomer | null {
  return (res.locals['customer'] ?? null) as SignedInCustomer | null;
}

/** The signed-in customer. @throws ShopError `not-signed-in` */
export function requireSignedIn(res: Response): SignedInCustomer {
  const customer = signedIn(res);
  if (!customer) throw new ShopError('not-signed-in', 'Sign in to do this.');
  return customer;
}

/** Guards pages: sends visitors to the sign-in page, and back afterwards (to a page that can be shown: a GET's). */
export const pageNeedsCustomer: RequestHandler = (req, res, next) => {
  if (signedIn(res)) next();
  else res.redirect(303, signInAddress(req.method === 'GET' ? req.originalUrl : backAddress(req)));
};

/** Address of the sign-in page that leads to `path` afterwards. */
export const signInAddress = (path: string): string => `/sign-in?next=${encodeURIComponent(path)}`;

/** The page that a form stood on, as far as the browser tells; `/` otherwise. */
function backAddress(req: Request): string {
  const referrer = req.get('referer');
  if (referrer === undefined || !URL.canParse(referrer)) return '/';
  const { pathname, search } = new URL(referrer);
  return safeNext(pathname + search);
}

/** Only paths of this shop: `//evil.example` and `/\evil.example` are other sites to a browser. Else `/`. */
export function safeNext(path: unknown): string {
  return typeof path === 'string' && /^\/(?![/\\])[^\s\\]*$/.test(path) ? path : '/';
}
