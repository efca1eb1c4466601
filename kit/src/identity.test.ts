import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
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
