import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startChild, type Child } from './child.ts';

/** A route of the slice that the proxy under test has in canary. */
export const SLICE_PATH = '/products/teapot/reviews';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Starts the proxy as it runs in earnest: its own process, a routes snapshot from its file, control plane absent.
 *
 * @param folder For the snapshot file.
 */
export async function startBanyanProxy(
  upstreamUrl: string,
  folder: string,
): Promise<Child & { readonly url: string }> {
  const snapshotFile = join(folder, 'routes.json');
  const snapshot = {
    version: 1,
    issuedAtMs: Date.now(),
    monolithUpstreams: [upstreamUrl],
    monolithDeadlineMs: 10_000,
    paths: { trailingSlash: 'same' },
    visitors: { identity: [], keys: ['visitor-cookie'], withoutKey: 'monolith' },
    slices: [
      {
        name: 'reviews',
        phase: 'canary',
        owner: 'monolith',
        share: 1,
        salt: 'bench',
        rolledBack: false,
        monolithIsFresh: true,
        routes: [{ path: '/products/:slug/reviews' }, { path: '/api/reviews/*' }],
        upstreams: [upstreamUrl],
        serviceDeadlineMs: 5_000,
      },
    ],
  };
  await writeFile(snapshotFile, JSON.stringify(snapshot));
  const secret = (): string => randomBytes(16).toString('hex');
  const { privateKey } = generateKeyPairSync('ed25519');
  const port = await freePort();
  const child = await startChild('../../strangler-proxy/src/main.ts', {
    PORT: String(port),
    ADMIN_PORT: '0',
    CONTROL_URL: `http://127.0.0.1:${await freePort()}`,
    MONOLITH_URL: upstreamUrl,
    SNAPSHOT_FILE: snapshotFile,
    PEER_TOKEN: secret(),
    PIN_SECRET: secret(),
    OVERRIDE_TOKEN: secret(),
    IDENTITY_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    LOG_LEVEL: 'silent',
  });
  return { ...child, url: `http://127.0.0.1:${port}` };
}
