import { IDENTITY_HEADER } from '@banyan/contracts';
import type { IdentityVerifier } from '@banyan/kit';
import type { Request } from 'express';
import type { Customer } from './route.ts';

/** Reads who asks from the proxy's signed token alone; sessions and their cookies belong to the monolith. */
export type Identify = (request: Request) => Promise<Customer | null>;

export function identifyBy(verifier: IdentityVerifier): Identify {
  return async (request) => {
    const claims = await verifier.verify(request.get(IDENTITY_HEADER));
    return claims && { id: claims.sub, displayName: claims.name };
  };
}
