import { IDENTITY_HEADER, type IdentityClaims } from '@banyan/contracts';
import type { IdentityVerifier } from '@banyan/kit';
import type { RequestHandler, Response } from 'express';

/** Who asks, for the frame of every page. */
export interface Reader {
  /** The customer's id, a decimal string. */
  readonly id: string;
  readonly displayName: string;
}

const toReader = ({ sub, name }: IdentityClaims): Reader => ({ id: sub, displayName: name });

/** Reads who asks from the signed token alone; sessions and their cookies belong to the shop. */
export function identify(verifier: IdentityVerifier): RequestHandler {
  return async (request, response, next) => {
    const claims = await verifier.verify(request.get(IDENTITY_HEADER));
    response.locals['customer'] = claims && toReader(claims);
    next();
  };
}

/** The reader of this request, or null. */
export const readerOf = (response: Response): Reader | null =>
  (response.locals['customer'] ?? null) as Reader | null;
