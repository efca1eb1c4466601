import { expect, test } from '@jest/globals';
import { defineSlice } from '@banyan/contracts';
import { generateKeyPairSync } from 'node:crypto';
import { stockService, stockServiceInFile } from '../fixtures/stock/stock-service.ts';
import { readServiceSettings } from './config.ts';
import { defineService } from './define-service.ts';
import { port, url } from './fields.ts';

const { publicKey } = generateKeyPairSync('ed25519', {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const BASE = { PORT: '0', PEER_TOKEN: 'a-token-for-peers', IDENTITY_PUBLIC_KEY: publicKey };
const COPY = { ...BASE, BUS_FILE: 'bus.sqlite' };
const both = {
  ...stockService,
  migrations: { ...stockService.migrations, ...stockServiceInFile.migrations },
};

test('the store is the one that the service has migrations for', () => {
  expect(readServiceSettings(stockServiceInFile, { ...COPY, STORE_FILE: 's.sqlite' })).toMatchObject({
    storeFile: 's.sqlite',
  });
  expect(readServiceSettings(stockService, { ...COPY, STORE_URL: 'postgresql://h/db' })).toMatchObject({
    storeUrl: 'postgresql://h/db',
  });
  expect(() => readServiceSettings(stockService, { ...COPY, STORE_FILE: 's.sqlite' })).toThrow(/STORE_URL/);
});

test('with both kinds of store exactly one is to be named, and that is told beside everything else', () => {
  const settings = readServiceSettings(both, { ...COPY, STORE_URL: 'postgresql://h/db' });
  expect(settings).toMatchObject({ storeUrl: 'postgresql://h/db', storeFile: undefined });
  expect(() => readServiceSettings(both, { ...COPY, PORT: 'x' })).toThrow(
    /PORT .*got "x"\n.*STORE_FILE .*STORE_URL .*give one of them; neither is set/,
  );
  expect(() =>
    readServiceSettings(both, { ...COPY, STORE_FILE: 's.sqlite', STORE_URL: 'postgresql://h/db' }),
  ).toThrow(/give one of them; both are set/);
});

test('an address that is none is refused without being shown', () => {
  const wrong = { ...COPY, STORE_URL: 'mysql://user:hunter2@h/db', IDENTITY_PUBLIC_KEY: 'BEGIN PUBLIC KEY' };
  expect(() => readServiceSettings(stockService, wrong)).toThrow(
    /IDENTITY_PUBLIC_KEY .*Ed25519.*\n.*STORE_URL .*give an address such as postgresql:\/\/host:port; got \(hidden\)/,
  );
  expect(() => readServiceSettings(stockService, wrong)).not.toThrow(/hunter2/);
});

test('a service without tables is asked for neither store nor bus', () => {
  const slice = defineSlice({ name: 'bare', title: 'Bare', routes: [{ path: '/bare' }], tables: [] });
  const bare = defineService({ slice, openapi: stockService.openapi, routes: () => [] });
  expect(readServiceSettings(bare, BASE)).toEqual({
    host: '127.0.0.1',
    port: 0,
    peerToken: BASE.PEER_TOKEN,
    identityPublicKey: publicKey,
  });
});

test('its own settings come beside the common ones, and may not have their names', () => {
  const config = { warehouse: url({ env: 'WAREHOUSE_URL', text: 'where levels are counted' }) };
  const service = defineService({ ...stockServiceInFile, config });
  const env = { ...COPY, STORE_FILE: 's.sqlite', WAREHOUSE_URL: 'http://127.0.0.1:1' };
  const settings = readServiceSettings(service, env);
  const warehouse: string = settings.warehouse;
  expect(warehouse).toBe('http://127.0.0.1:1');
  const taken = { door: port({ env: 'PORT', text: 'a second port' }) };
  expect(() => defineService({ ...stockServiceInFile, config: taken })).toThrow(
    /config\.door: every service has a variable PORT already/,
  );
});

test('a definition names all its mistakes at once', () => {
  const { openapi, routes } = stockService;
  const slice = { ...stockService.slice, routes: [{ path: '/v1/stock' }] };
  expect(() => defineService({ slice, openapi, routes })).toThrow(
    /migrations: .*\n.*store: .*\n.*below \/v1/,
  );
});
