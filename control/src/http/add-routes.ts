import type { Express, RequestHandler } from 'express';

/** Who may ask. */
export interface Guards {
  /** Lets people through, by the admin token. */
  readonly isAdmin: RequestHandler;
  /** Lets proxies and services through, by the peer token. */
  readonly isPeer: RequestHandler;
}

/** Puts a feature's addresses into the API. */
export type AddRoutes = (app: Express, guards: Guards) => void;
