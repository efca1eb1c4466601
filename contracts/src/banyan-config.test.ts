import { expect, test } from '@jest/globals';
import { BanyanConfigError, parseBanyanConfig } from './banyan-config.ts';
import { defineSlice } from './slice.ts';

const slices = [
  defineSlice({ name: 'reviews', title: 'Reviews', routes: [{ path: '/reviews' }], tables: [] }),
];

test('what is not said of paths and visitors has a default', () => {
  expect(parseBanyanConfig({ slices })).toMatchObject({
    paths: { trailingSlash: 'same' },
    visitors: { identity: [], keys: ['visitor-cookie'], withoutKey: 'monolith' },
  });
});

test.each([
  [
    'a shop with sessions',
    { identity: [{ cookie: 'sid', lookUp: '/api/session', id: 'user.id', name: 'user.name' }] },
  ],
  [
    'an API with tokens',
    { identity: [{ bearer: { lookUp: '/me', id: 'id', name: 'name' } }], keys: [{ bearer: 'sub' }] },
  ],
  [
    'a site behind a gateway',
    { identity: [{ header: 'x-user-id', from: ['10.0.0.0/8'] }], keys: [{ apiKey: 'x-api-key' }] },
  ],
])('%s fits', (_name, visitors) => {
  expect(parseBanyanConfig({ slices, visitors }).visitors).toMatchObject(visitors);
});

test('every mistake is named at once, with what is wanted', () => {
  const read = (): unknown =>
    parseBanyanConfig({
      slices,
      paths: { letterCase: false, tralingSlash: 'same' },
      visitors: {
        identity: [
          { cookie: 'sid', lookUp: '//evil', id: 'x', name: 'y' },
          { header: 'x-user', from: ['nowhere'] },
        ],
        keys: ['cookie', { header: 'Authorization' }, { apiKey: 'banyan-identity' }],
        withoutKey: 'move',
      },
    });
  expect(read).toThrow(BanyanConfigError);
  for (const wanted of [
    /paths\.letterCase: .*"same"\|"different"/,
    /paths: .*tralingSlash/,
    /visitors\.identity\.0\.lookUp: a path such as/,
    /visitors\.identity\.1: one of/,
    /visitors\.keys\.0: one of 'visitor-cookie'/,
    /visitors\.keys\.1\.header: a header name in lower case/,
    /visitors\.keys\.2\.apiKey: a header of the monolith/,
    /visitors\.withoutKey: .*"monolith"\|"fingerprint"/,
  ]) {
    expect(read).toThrow(wanted);
  }
});
