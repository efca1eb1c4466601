import { generateKeyPairSync } from 'node:crypto';
import { IDENTITY_ISSUER } from '@banyan/contracts';
import { expect, test } from '@jest/globals';
import { importPKCS8, SignJWT } from 'jose';
import { createIdentitySigner, createIdentityVerifier } from './identity.ts';

function keys(): { privateKey: string; publicKey: string } {
  return generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}

test('a token is believed by its audience and by nobody else', async () => {
  const { privateKey, publicKey } = keys();
  const signer = await createIdentitySigner(privateKey);
  const token = await signer.sign({ sub: '5', name: 'Ann' }, 'reviews');
  expect(await (await createIdentityVerifier(publicKey, 'reviews')).verify(token)).toEqual({
    sub: '5',
    name: 'Ann',
  });
  expect(await (await createIdentityVerifier(publicKey, 'orders')).verify(token)).toBeNull();
  expect(await (await createIdentityVerifier(keys().publicKey, 'reviews')).verify(token)).toBeNull();
  expect(await (await createIdentityVerifier(publicKey, 'reviews')).verify(undefined)).toBeNull();
});

test.each([
  ['made now', {}, true],
  ['without an end', { exp: undefined }, false],
  ['without a beginning', { iat: undefined }, false],
  ['over for a while', { iat: -70, exp: -10 }, false],
  ['of two minutes and more, whatever its end', { iat: -125, exp: 3_600 }, false],
  ['nearly as old', { iat: -100, exp: 3_600 }, true],
  ['of a clock that is a little ahead', { iat: 3, exp: 63 }, true],
  ['of another time altogether', { iat: 600, exp: 660 }, false],
])('a token %s', async (_case, change, isBelieved) => {
  const { privateKey, publicKey } = keys();
  const now = Math.floor(Date.now() / 1_000);
  const { iat, exp } = { iat: 0, exp: 60, ...change };
  const token = new SignJWT({ name: 'Ann' })
    .setProtectedHeader({ alg: 'EdDSA' })
    .setSubject('5')
    .setIssuer(IDENTITY_ISSUER)
    .setAudience('reviews');
  if (iat !== undefined) token.setIssuedAt(now + iat);
  if (exp !== undefined) token.setExpirationTime(now + exp);
  const signed = await token.sign(await importPKCS8(privateKey, 'EdDSA'));
  const claims = await (await createIdentityVerifier(publicKey, 'reviews')).verify(signed);
  expect(claims !== null).toBe(isBelieved);
});
