import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Home } from '../home.ts';

/** Secrets that are one random line each. The control plane makes its own admin token. */
const randomSecrets = [
  'peer.token',
  'override.token',
  'pin.secret',
  'monolith.password',
  'banyan.password',
] as const;

/** File name of a secret that the declaration asks for by `{secret.<name>}`. */
export const declaredSecret = (name: string): string => `${name === 'pin' ? 'declared-pin' : name}.secret`;

/**
 * Makes every secret that is missing, readable by its owner only. Existing ones are kept.
 *
 * @param declared Names in `{secret.<name>}`.
 */
export function ensureSecrets(home: Home, declared: readonly string[]): void {
  mkdirSync(home.secretsDir, { recursive: true, mode: 0o700 });
  for (const name of [...randomSecrets, ...declared.map(declaredSecret)]) {
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
