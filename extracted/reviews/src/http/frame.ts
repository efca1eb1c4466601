import { fileURLToPath } from 'node:url';
import ejs from 'ejs';
import type { Express, RequestHandler } from 'express';

const VIEWS = fileURLToPath(new URL('../views', import.meta.url));

/** What the shop's frame shows around every page. A copy: the shop knows nothing of this service. */
const FRAME = {
  shopName: 'Alderwick',
  departments: [
    { slug: 'seating', name: 'Seating' },
    { slug: 'tables', name: 'Tables' },
    { slug: 'lighting', name: 'Lighting' },
    { slug: 'textiles', name: 'Textiles' },
    { slug: 'kitchen', name: 'Kitchen' },
    { slug: 'storage', name: 'Storage' },
  ],
} as const;

const CONTENT_POLICY =
  "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** EJS templates from the service's own folder, compiled once. */
export function usePages(app: Express): void {
  app.engine('ejs', (file, locals, done) => {
    ejs.renderFile(file, locals, done);
  });
  app.set('view engine', 'ejs');
  app.set('views', VIEWS);
  app.enable('view cache');
}

/** The frame's fixed parts; `customer` and `csrfToken` come later. */
export const frameLocals: RequestHandler = (_request, response, next) => {
  Object.assign(response.locals, FRAME, { customer: null, csrfToken: '' });
  next();
};

/** The shop has no scripts and loads nothing from elsewhere: the browser is told to insist on it. */
export const securityHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Content-Security-Policy': CONTENT_POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'same-origin',
  });
  next();
};
