import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Home } from '../home.ts';

/** Secrets that are one random line each. The control plane makes its own admin token. */
const randomSecrets = [
  'session.secret',
  'peer.token',
  'override.token',
  'pin.secret',
  'shop.password',
  'banyan.password',
] as const;

/** Makes every secret that is missing, readable by its owner only. Existing ones are kept. */
export function ensureSecrets(home: Home): void {
  mkdirSync(home.secretsDir, { recursive: true, mode: 0o700 });
  for (const name of randomSecrets) {
    if (!existsSync(home.secret(name))) {
      writeFileSync(home.secret(name), `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
    }
  }
  if (!existsSync(home.secret('identity.key.pem')) || !existsSync(home.secret('identity.pub.pem'))) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    writeFileSync(home.secret('identity.key.pem'), privateKey, { mode: 0o600 });
    writeFileSync(home.secret('identity.pub.pem'), publicKey, { mode: 0o600 });
  }
}

/** @throws Error from the file system when the secret does not exist. */
export function readSecret(home: Home, name: string): string {
  return readFileSync(home.secret(name), 'utf8').trim();
}
