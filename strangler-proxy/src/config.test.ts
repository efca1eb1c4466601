import { expect, test } from '@jest/globals';
import { readProxyConfig } from './config.ts';
import { secrets } from './testing/fixtures.ts';

const good = {
  CONTROL_URL: 'http://127.0.0.1:4000',
  MONOLITH_URL: 'http://127.0.0.1:3000',
  SNAPSHOT_FILE: '/tmp/x.json',
  PEER_TOKEN: secrets.peerToken,
  PIN_SECRET: secrets.pinSecret,
  OVERRIDE_TOKEN: secrets.overrideToken,
  IDENTITY_PRIVATE_KEY: secrets.identityPrivateKey,
};

test('reads what a proxy needs, with defaults for the rest', () => {
  expect(readProxyConfig({ ...good, TRUSTED_PROXIES: '10.0.0.0/8, ::1' })).toMatchObject({
    trustedProxies: ['10.0.0.0/8', '::1'],
    accessLog: false,
    breakerHalfOpenAfterMs: 2_000,
  });
});

test("the monolith's servers are told apart by commas", () => {
  const two = { ...good, MONOLITH_URL: 'http://10.0.0.1:3000, http://10.0.0.2:3000' };
  expect(readProxyConfig(good).monolithUpstreams).toEqual(['http://127.0.0.1:3000']);
  expect(readProxyConfig(two).monolithUpstreams).toEqual(['http://10.0.0.1:3000', 'http://10.0.0.2:3000']);
  expect(() => readProxyConfig({ ...good, MONOLITH_URL: 'http://10.0.0.1:3000,' })).toThrow(/MONOLITH_URL/);
});

test('names every wrong setting at once, and shows no secret', () => {
  const read = () =>
    readProxyConfig({
      ...good,
      PORT: '99999',
      CONTROL_URL: 'nowhere',
      PIN_SECRET: 'short',
      TRUSTED_PROXIES: 'x',
    });
  expect(read).toThrow(/PORT[^]*CONTROL_URL[^]*PIN_SECRET[^]*TRUSTED_PROXIES/);
  expect(read).not.toThrow(/short/);
});

test('the admin listener stays on loopback unless told otherwise, under an address that is given', () => {
  expect(readProxyConfig(good)).toMatchObject({ adminHost: '127.0.0.1', adminUrl: undefined });
  const elsewhere = { ...good, ADMIN_HOST: '0.0.0.0', ADMIN_URL: 'http://proxy:9090' };
  expect(readProxyConfig(elsewhere)).toMatchObject({ adminHost: '0.0.0.0', adminUrl: 'http://proxy:9090' });
  expect(() => readProxyConfig({ ...good, ADMIN_URL: 'proxy' })).toThrow(/ADMIN_URL/);
});
