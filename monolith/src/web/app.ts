import { fileURLToPath } from 'node:url';
import ejs from 'ejs';
import express, { Router, type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import { cartApi, cartPages } from '../cart/cart-routes.ts';
import { catalogApi, catalogPages, productPictures } from '../catalog/catalog-routes.ts';
import { customerApi, customerPages, type SignInShop } from '../customers/customer-routes.ts';
import { loadCustomer } from '../customers/customer-session.ts';
import { createSignInThrottle } from '../customers/sign-in-throttle.ts';
import type { ShopDatabase } from '../database/open-database.ts';
import { orderApi, orderPages } from '../orders/order-routes.ts';
import { reviewApi } from '../reviews/review-api.ts';
import { reviewPages } from '../reviews/review-routes.ts';
import { issueCsrfToken, refuseForgedRequests } from './csrf.ts';
import { errorHandler, unknownPath } from './errors.ts';
import { health } from './health.ts';
import { layoutLocals } from './layout.ts';
import { securityHeaders } from './security-headers.ts';

const BODY_LIMIT = '64kb';
const VIEW_FOLDERS = ['web', 'catalog', 'customers', 'cart', 'orders', 'reviews'];
const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export interface AppOptions {
  readonly database: ShopDatabase;
  readonly sessions: RequestHandler;
  /** Express's "trust proxy": whose X-Forwarded-* headers are believed. */
  readonly trustProxy: boolean | string;
  readonly logger: Logger;
}

/** The JSON API. Its answers are never kept by caches. */
function api(shop: SignInShop): Router {
  const { database } = shop;
  const router = Router();
  router.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });
  for (const part of [catalogApi, reviewApi, cartApi, orderApi]) router.use(part(database));
  router.use(customerApi(shop));
  return router;
}

function pages(shop: SignInShop): Router {
  const { database } = shop;
  const router = Router();
  router.use((_req, res, next) => {
    res.set('Cache-Control', 'private, no-cache');
    next();
  });
  for (const part of [catalogPages, reviewPages, cartPages, orderPages]) router.use(part(database));
  router.use(customerPages(shop));
  return router;
}

/** The whole shop as an Express application. Listens nowhere by itself. */
export function createApp({ database, sessions, trustProxy, logger }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', trustProxy);
  app.engine('ejs', (path, locals, done) => {
    ejs.renderFile(path, locals, done);
  });
  app.set('view engine', 'ejs');
  app.set('view cache', true);
  app.set(
    'views',
    VIEW_FOLDERS.map((name) => folder(`../${name}/views`)),
  );

  // 1. What needs no session, and must answer when there is no database.
  app.use(securityHeaders, layoutLocals);
  app.use('/assets', express.static(folder('assets'), { maxAge: '5m', redirect: false, index: false }));
  app.get('/healthz', health(database));
  app.use(productPictures(database));
  // 2. Who is it? Before anything that can be refused, so that the refusal's page has the right header.
  app.use(issueCsrfToken, sessions, loadCustomer(database));
  // 3. Bodies before the forgery check, which reads the form's token.
  app.use('/api', express.json({ limit: BODY_LIMIT }));
  app.use(express.urlencoded({ extended: false, limit: BODY_LIMIT }));
  app.use(refuseForgedRequests);
  const shop: SignInShop = { database, throttle: createSignInThrottle() };
  app.use('/api', api(shop));
  app.use(pages(shop));
  app.use(unknownPath);
  app.use(errorHandler(logger));
  return app;
}
