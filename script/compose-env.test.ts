import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIdentitySigner, createIdentityVerifier } from '@banyan/kit';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '..');
let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'banyan-compose-env-'));
  file = join(dir, 'env');
});
afterEach(() => rmSync(dir, { recursive: true }));

function makeSecrets(...args: string[]): { status: number | null; out: string; problem: string } {
  const script = join(root, 'script', 'compose-env.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  return { status, out: stdout, problem: stderr };
}

/** Names and values, as compose reads them. */
function valuesOf(text: string): ReadonlyMap<string, string> {
  const lines = text.trimEnd().split('\n');
  return new Map(
    lines.map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1).replaceAll('"', '')];
    }),
  );
}

test('every secret that the compose file wants is made, and no other', () => {
  const wanted = readFileSync(join(root, 'docker-compose.yml'), 'utf8').matchAll(/\$\{(\w+):\?/g);
  const made = valuesOf(makeSecrets('--print').out);
  expect([...made.keys()].filter((name) => name !== 'COMPOSE_PROFILES').sort()).toEqual(
    [...new Set([...wanted].map(([, name]) => name))].sort(),
  );
  // A secret that stands in the file without `:?` would be empty where it is missing.
  const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  for (const name of made.keys()) expect(compose).not.toMatch(new RegExp(`\\$\\{?${name}(\\}|:-)`));
});

test('two runs make two sets, and values need no quoting in a URL', () => {
  const [one, two] = [valuesOf(makeSecrets('--print').out), valuesOf(makeSecrets('--print').out)];
  for (const [name, value] of one) {
    if (name === 'COMPOSE_PROFILES') continue;
    expect(value).not.toBe(two.get(name));
    if (!name.startsWith('IDENTITY')) expect(value).toMatch(/^[\w-]{43}$/);
  }
});

test('the key on one line signs and verifies', async () => {
  const made = valuesOf(makeSecrets('--print').out);
  const signer = await createIdentitySigner(made.get('IDENTITY_PRIVATE_KEY') ?? '');
  const verifier = await createIdentityVerifier(made.get('IDENTITY_PUBLIC_KEY') ?? '', 'reviews');
  const claims = { sub: '7', name: 'Ann' };
  expect(await verifier.verify(await signer.sign(claims, 'reviews'))).toEqual(claims);
});

test('what is there stays, what is missing is added, and nobody else can read the file', () => {
  writeFileSync(file, 'PUBLIC_PORT=9000\nPEER_TOKEN=one-that-was-there-before');
  chmodSync(file, 0o644);
  const { status, out } = makeSecrets('--file', file);
  expect(status).toBe(0);
  const values = valuesOf(readFileSync(file, 'utf8'));
  expect(values.get('PUBLIC_PORT')).toBe('9000');
  expect(values.get('PEER_TOKEN')).toBe('one-that-was-there-before');
  expect(out).toContain('PIN_SECRET');
  expect(out).not.toContain(values.get('PIN_SECRET')); // names only
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const before = readFileSync(file, 'utf8');
  expect(makeSecrets('--file', file).out).toContain('holds all');
  expect(readFileSync(file, 'utf8')).toBe(before);
});

test('what has another name now goes on under that one, and is said', () => {
  writeFileSync(file, 'SHOP_PASSWORD=of-the-old-name\nSHOP_PORT=9001\n');
  const { status, problem } = makeSecrets('--file', file);
  expect(status).toBe(0);
  const values = valuesOf(readFileSync(file, 'utf8'));
  expect(values.get('MONOLITH_PASSWORD')).toBe('of-the-old-name');
  expect(values.get('PUBLIC_PORT')).toBe('9001');
  expect(problem).toContain('SHOP_PASSWORD is now MONOLITH_PASSWORD');
  expect(makeSecrets('--file', file)).toMatchObject({ problem: '' });
});

test('half an identity key is refused and not completed', () => {
  writeFileSync(file, 'IDENTITY_PUBLIC_KEY=x\n');
  const { status, problem } = makeSecrets('--file', file);
  expect(status).toBe(3);
  expect(problem).toContain('one half of the identity key');
  expect(readFileSync(file, 'utf8')).toBe('IDENTITY_PUBLIC_KEY=x\n');
});
