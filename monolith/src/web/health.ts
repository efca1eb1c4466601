import type { RequestHandler } from 'express';
import type { ShopDatabase } from '../database/open-database.ts';

const DEADLINE_MS = 2_000;

/** `GET /healthz`: 200 when the database answers within two seconds, else 503. The process answers either way. */
export function health({ sequelize }: ShopDatabase): RequestHandler {
  return async (_req, res) => {
    const late = new Promise<'unreachable'>((resolve) => {
      setTimeout(() => resolve('unreachable'), DEADLINE_MS).unref();
    });
    const asked = sequelize.query('SELECT 1').then(
      () => 'ok' as const,
      // What the database said is logged where it matters to a customer; here only that it did not answer.
      () => 'unreachable' as const,
    );
    const database = await Promise.race([asked, late]);
    const ok = database === 'ok';
    res
      .status(ok ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json({ status: ok ? 'ok' : 'degraded', database });
  };
}
