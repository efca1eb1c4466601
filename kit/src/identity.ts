import { IDENTITY_ISSUER, type IdentityClaims } from '@banyan/contracts';
import { importPKCS8, importSPKI, jwtVerify, SignJWT } from 'jose';

const ALGORITHM = 'EdDSA'; // RFC 8037
/** Tokens live a minute: long enough for a slow request, too short to be worth stealing. */
const LIFETIME_SECONDS = 60;
/** Whatever a token says of its end, this long after it was made it is refused. */
const MAX_AGE_SECONDS = 120;
/** How far the clocks of proxy and service may differ. */
const CLOCK_TOLERANCE_SECONDS = 5;

/** Makes identity tokens for one audience (a slice's service). */
export interface IdentitySigner {
  sign(claims: IdentityClaims, audience: string): Promise<string>;
}

/** @param privateKeyPem Ed25519 private key, PKCS #8 PEM. */
export async function createIdentitySigner(privateKeyPem: string): Promise<IdentitySigner> {
  const key = await importPKCS8(privateKeyPem, ALGORITHM);
  return {
    sign: ({ sub, name }, audience) =>
      new SignJWT({ name })
        .setProtectedHeader({ alg: ALGORITHM })
        .setSubject(sub)
        .setIssuer(IDENTITY_ISSUER)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${LIFETIME_SECONDS}s`)
        .sign(key),
  };
}

/**
 * Reads identity tokens. A missing, forged, expired or foreign token is nobody: null. So is one without an end (`exp`)
 * or a beginning (`iat`), and one older than two minutes.
 */
export interface IdentityVerifier {
  verify(token: string | undefined): Promise<IdentityClaims | null>;
}

/** @param publicKeyPem Ed25519 public key, SPKI PEM. @param audience The slice's name. */
export async function createIdentityVerifier(
  publicKeyPem: string,
  audience: string,
): Promise<IdentityVerifier> {
  const key = await importSPKI(publicKeyPem, ALGORITHM);
  return {
    async verify(token) {
      if (!token) return null;
      try {
        const { payload } = await jwtVerify(token, key, {
          issuer: IDENTITY_ISSUER,
          audience,
          algorithms: [ALGORITHM],
          requiredClaims: ['exp'],
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          maxTokenAge: MAX_AGE_SECONDS - CLOCK_TOLERANCE_SECONDS, // the tolerance comes on top
        });
        return typeof payload.sub === 'string' && typeof payload['name'] === 'string'
          ? { sub: payload.sub, name: payload['name'] }
          : null;
      } catch {
        return null; // whatever is wrong with it, it does not prove who asks
      }
    },
  };
}
