import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { readProxyConfig } from '../config.ts';
import { ask, Opened, secrets, sliceOf, snapshotOf, startProxy, startUpstream } from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

const fixture = (file: string): string => join(import.meta.dirname, '../testing/tls', file);
const CA_FILE = fixture('ca.pem');

/** An HTTPS server whose certificate is for `name` alone. `asked` are the names that clients asked for (SNI). */
async function startTlsUpstream(name: 'localhost' | 'shop.internal', handler?: RequestListener) {
  const asked: (string | false | null | undefined)[] = [];
  const requests: IncomingMessage[] = [];
  const server = createServer(
    { cert: await readFile(fixture(`${name}.pem`)), key: await readFile(fixture(`${name}.key.pem`)) },
    (request, response) => {
      requests.push(request);
      asked.push((request.socket as unknown as Pick<TLSSocket, 'servername'>).servername);
      if (handler) handler(request, response);
      else response.end('ok');
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.add(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { port: (server.address() as AddressInfo).port, asked, requests };
}

describe('an upstream by https', () => {
  test('goes by the name in its own URL, whatever Host a client sends, and connections are kept', async () => {
    const { port, asked, requests } = await startTlsUpstream('localhost');
    const proxy = await startProxy(opened, {
      monolithUrl: `https://localhost:${port}`,
      upstreamCaFile: CA_FILE,
    });
    for (const host of ['shop.example', 'evil.example']) {
      expect(await ask(`${proxy.url}/x`, { headers: { host } })).toMatchObject({ status: 200, text: 'ok' });
    }
    expect(asked).toEqual(['localhost', 'localhost']);
    expect(requests.map(({ headers }) => headers.host)).toEqual(['shop.example', 'evil.example']);
    expect(new Set(requests.map(({ socket }) => socket)).size).toBe(1);
    const posted = await ask(`${proxy.url}/x`, { method: 'POST', body: 'x'.repeat(100_000) });
    expect(posted.status).toBe(200);
  });

  test('goes by another name where it is told so', async () => {
    const { port, asked } = await startTlsUpstream('shop.internal');
    const proxy = await startProxy(opened, {
      monolithUrl: `https://127.0.0.1:${port}`,
      upstreamCaFile: CA_FILE,
      upstreamTlsNames: new Map([['127.0.0.1', 'shop.internal']]),
    });
    expect((await ask(`${proxy.url}/x`)).text).toBe('ok');
    expect(asked).toEqual(['shop.internal']);
  });

  test('is not believed for another name, even when the client names it, nor without its authority', async () => {
    const { port, requests } = await startTlsUpstream('shop.internal');
    const monolithUrl = `https://localhost:${port}`;
    const named = await startProxy(opened, { monolithUrl, upstreamCaFile: CA_FILE });
    const unknown = await startProxy(opened, {
      monolithUrl,
      upstreamTlsNames: new Map([['localhost', 'shop.internal']]),
    });
    for (const proxy of [named, unknown]) {
      const answer = await ask(`${proxy.url}/api/x`, { headers: { host: 'shop.internal' } });
      expect(answer.status).toBe(502);
      expect(answer.text).toContain('upstream-unreachable');
    }
    expect(requests).toHaveLength(0);
  });

  test('is asked for sessions in the same way', async () => {
    const { port, asked } = await startTlsUpstream('shop.internal', (_request, response) =>
      response
        .setHeader('content-type', 'application/json')
        .end('{"customer":{"id":"7","displayName":"Ada"}}'),
    );
    const service = await startUpstream(opened, (request, response) =>
      response.end(request.headers['banyan-identity'] === undefined ? 'stranger' : 'known'),
    );
    const proxy = await startProxy(opened, {
      monolithUrl: `https://127.0.0.1:${port}`,
      upstreamCaFile: CA_FILE,
      upstreamTlsNames: new Map([['127.0.0.1', 'shop.internal']]),
    });
    proxy.applySnapshot(snapshotOf(1, `https://127.0.0.1:${port}`, [sliceOf(service.url)]));
    const answer = await ask(`${proxy.url}/cart`, { headers: { cookie: 'shop.sid=abc' } });
    expect(answer.text).toBe('known');
    expect(asked).toEqual(['shop.internal']);
  });
});

describe('a file of authorities', () => {
  test.each([
    ['that is not there', null, 'ENOENT'],
    ['that holds none', 'hello', 'holds no certificate'],
    [
      'that holds a broken one',
      '-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n',
      'cannot be used',
    ],
  ])('%s ends the start with its name and what to do', async (_case, text, problem) => {
    const folder = await mkdtemp(join(tmpdir(), 'banyan-ca-'));
    opened.add(() => rm(folder, { recursive: true }));
    const file = join(folder, 'ca.pem');
    if (text !== null) await writeFile(file, text);
    const starting = startProxy(opened, { monolithUrl: 'https://localhost:1', upstreamCaFile: file });
    await expect(starting).rejects.toMatchObject({ code: 'ca-file-invalid' });
    await expect(starting).rejects.toThrow(problem);
    await expect(starting).rejects.toThrow(file);
  });
});

test('names of certificates are read from one setting', () => {
  const env = {
    CONTROL_URL: 'http://127.0.0.1:1',
    MONOLITH_URL: 'https://10.0.0.5',
    SNAPSHOT_FILE: 'routes.json',
    PEER_TOKEN: secrets.peerToken,
    PIN_SECRET: secrets.pinSecret,
    OVERRIDE_TOKEN: secrets.overrideToken,
    IDENTITY_PRIVATE_KEY: secrets.identityPrivateKey,
  };
  expect(
    readProxyConfig({ ...env, UPSTREAM_TLS_NAMES: '10.0.0.5=shop.internal, b=c' }).upstreamTlsNames,
  ).toEqual(
    new Map([
      ['10.0.0.5', 'shop.internal'],
      ['b', 'c'],
    ]),
  );
  expect(readProxyConfig(env).upstreamTlsNames).toEqual(new Map());
  expect(() => readProxyConfig({ ...env, UPSTREAM_TLS_NAMES: 'shop.internal' })).toThrow('host=name');
});
