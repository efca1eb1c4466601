import type { Logger } from '@banyan/kit';
import type { RequestHandler } from 'express';
import { Refusal } from '../refusal.ts';

/**
 * Refuses every read while the copy is too old, has missed records or was never made: the proxy then asks the monolith.
 * Nobody else has to notice first. Why is logged once, not for each reader.
 *
 * @param title the slice's, for readers
 */
export function refuseUnfit(unfitness: () => string | null, title: string, log: Logger): RequestHandler {
  let wasUnfit = false;
  return (_request, _response, next) => {
    const reason = unfitness();
    if ((reason !== null) !== wasUnfit) {
      wasUnfit = reason !== null;
      if (reason === null) log.info('reads are answered again');
      else log.error({ reason }, 'reads are refused: the copy must not be shown');
    }
    if (reason === null) {
      next();
      return;
    }
    throw new Refusal('copy-unfit', `${title} cannot be shown at the moment. Please try again.`);
  };
}
