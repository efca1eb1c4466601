import type { IdentitySource } from '@banyan/contracts';
import { createRemoteJWKSet, customFetch, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { fetch, type Dispatcher } from 'undici';
import { askInTurn } from '../outbound/ask-in-turn.ts';

type BearerSource = Extract<IdentitySource, { readonly bearer: object }>['bearer'];
/** Bearer tokens that the proxy checks by itself, by the public keys of whoever signs them (RFC 7517, RFC 7519). */
export type JwtSource = Extract<BearerSource, { readonly jwks: string }>;

/** How far the clocks of the signer and the proxy may differ, seconds. */
const CLOCK_TOLERANCE_SECONDS = 5;

/** @throws Error when the token proves nothing, or the keys cannot be had: then the monolith has to say who it is. */
export type CheckJwt = (
  source: JwtSource,
  token: string,
) => Promise<{ readonly id: string; readonly displayName: string }>;

/**
 * Keys are asked for at the first token, kept for ten minutes, and asked for again at a token that none of them fits, every
 * 30 seconds at most.
 *
 * @param options.deadlineMs Time for the keys.
 */
export function createJwtCheck(options: {
  readonly monolithInTurn: () => readonly string[];
  readonly dispatcher: Dispatcher;
  readonly deadlineMs: number;
}): CheckJwt {
  const { monolithInTurn, dispatcher, deadlineMs } = options;
  const keySets = new Map<string, JWTVerifyGetKey>();

  /** @param jwks Address of the keys, or its path at the monolith: the same at each of its servers. */
  function keysAt(jwks: string): JWTVerifyGetKey {
    let keys = keySets.get(jwks);
    if (!keys) {
      keys = createRemoteJWKSet(new URL(jwks, monolithInTurn()[0]), {
        timeoutDuration: deadlineMs,
        [customFetch]: async (_address, { headers, method, redirect, signal }) => {
          const addresses = new Set(monolithInTurn().map((monolith) => new URL(jwks, monolith).href));
          const answer = await askInTurn([...addresses], signal, (address) =>
            fetch(address, { headers: [...headers], method, redirect, signal, dispatcher }),
          );
          return new Response(await answer.text(), { status: answer.status });
        },
      });
      keySets.set(jwks, keys);
    }
    return keys;
  }

  return async (source, token) => {
    const { payload } = await jwtVerify(token, keysAt(source.jwks), {
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      ...(source.issuer !== undefined && { issuer: source.issuer }),
      ...(source.audience !== undefined && { audience: source.audience }),
    });
    const subject = payload[source.subject];
    const isId = (typeof subject === 'string' && subject !== '') || Number.isSafeInteger(subject);
    if (!isId) throw new Error(`the token has no usable id in its claim "${source.subject}"`);
    const id = String(subject);
    const name = source.name === undefined ? id : payload[source.name];
    return { id, displayName: typeof name === 'string' ? name : id };
  };
}
