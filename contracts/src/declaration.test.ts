import { expect, test } from '@jest/globals';
import { BanyanConfigError, defineConfig, exportedConfig, parseBanyanConfig } from './banyan-config.ts';
import { fromEnv } from './from-env.ts';
import { defineSlice } from './slice.ts';

const slice = defineSlice({ name: 'notes', title: 'Notes', routes: [{ path: '/notes' }], tables: [] });
const service = { main: 'notes/main.ts' };
const slices = [{ slice, service }];

function problemsOf(value: unknown): readonly string[] {
  try {
    parseBanyanConfig(value);
    return [];
  } catch (error) {
    if (error instanceof BanyanConfigError) return error.problems;
    throw error;
  }
}

test('three monoliths fit: one that is started, one behind addresses, one without a database', () => {
  const started = defineConfig({
    monolith: { command: ['node', 'main.ts'], env: { PORT: '{port}', DATABASE_URL: '{database.monolith}' } },
    source: { sample: true },
    slices,
  });
  const elsewhere = defineConfig({
    monolith: { urls: ['http://10.0.0.1:3000', fromEnv('SECOND')], ready: '/up' },
    source: { url: fromEnv('SOURCE_URL'), topicPrefix: 'conduit', outbox: 'public.outbox' },
    visitors: { identity: [{ bearer: { jwks: '/jwks.json' } }], keys: ['customer'] },
    slices: [{ slice, service: { urls: ['http://10.0.0.2:4000'] }, deadlineMs: 500 }],
    limits: { busMaxBytes: 200_000_000, gates: { maxLagMs: 9_000 } },
  });
  const bare = defineConfig({
    monolith: { command: ['python3', 'site.py', '{port}'] },
    visitors: { identity: [{ header: 'x-user', from: ['127.0.0.1'] }] },
    slices: [{ slice, service: { command: ['python3', 'notes.py', '{port}'], ready: '/' } }],
  });
  expect(parseBanyanConfig(started)).toMatchObject({
    monolith: { ready: '/healthz', deadlineMs: 30_000 },
    listen: { host: '127.0.0.1', trustedProxies: [] },
    serviceOf: { notes: { main: 'notes/main.ts', ready: '/readyz' } },
    serviceDeadlinesMs: { notes: 2_000 },
    notices: [],
  });
  expect(parseBanyanConfig(elsewhere)).toMatchObject({
    source: { url: { fromEnv: 'SOURCE_URL' } },
    visitors: { identity: [{ bearer: { jwks: '/jwks.json', subject: 'sub' } }], keys: [] },
    slices: [{ name: 'notes', gates: { maxLagMs: 9_000 } }],
    serviceDeadlinesMs: { notes: 500 },
  });
  expect(parseBanyanConfig(bare).source).toBeNull();
});

test('a reference holds a name and no value, and a slice’s own gates come before those of all', () => {
  process.env['A_SECRET_OF_THE_TEST'] = 'hunter2';
  expect(JSON.stringify(fromEnv('A_SECRET_OF_THE_TEST'))).toBe('{"fromEnv":"A_SECRET_OF_THE_TEST"}');
  expect(() => fromEnv('postgres://user:password@host')).toThrow('the name of an environment variable');
  const own = { ...slice, gates: { maxLagMs: 1 } };
  const limits = { gates: { maxLagMs: 2, maxSlowdown: 3 } };
  expect(parseBanyanConfig({ slices: [{ slice: own, service }], limits }).slices[0]?.gates).toEqual({
    maxLagMs: 1,
    maxSlowdown: 3,
  });
});

test('a key that nobody knows is refused wherever it stands, with the one that was meant; all at once', () => {
  const problems = problemsOf({
    monolit: {},
    monolith: { comand: ['node'], urls: ['http://127.0.0.1:1'] },
    source: { url: 'postgres://x', topicPrefx: 'x' },
    visitors: { withoutKeys: 'monolith' },
    paths: { lettercase: 'same' },
    limits: { busMaxByte: 1, gates: { maxLag: 1 } },
    slices: [{ slice: { ...slice, colour: 1 }, service, deadline: 1 }],
    services: [{ name: 'mail', mian: 'x.ts', main: 'y.ts' }],
  }).join('\n');
  for (const [at, got, meant] of [
    ['config', 'monolit', 'monolith'],
    ['monolith', 'comand', 'command'],
    ['source', 'topicPrefx', 'topicPrefix'],
    ['visitors', 'withoutKeys', 'withoutKey'],
    ['paths', 'lettercase', 'letterCase'],
    ['limits', 'busMaxByte', 'busMaxBytes'],
    ['limits.gates', 'maxLag', 'maxLagMs'],
    ['slices.0', 'deadline', 'deadlineMs'],
    ['services.0', 'mian', 'main'],
  ]) {
    expect(problems).toContain(`${at}: "${got}" is not known; did you mean "${meant}"?`);
  }
  expect(problems).toContain('slices.0.slice: "colour" is not known; known: name, title');
});

test('what cannot be is named: two ways to run one thing, a placeholder and a name that nobody knows', () => {
  const problems = problemsOf({
    monolith: { command: ['node', '{prot}'], urls: ['http://127.0.0.1:1'], env: { A: '{secret.Session}' } },
    source: {},
    slices: [{ slice, service: {} }],
  });
  expect(problems).toEqual([
    'monolith: give one of command, urls; got command and urls',
    'source: give one of sample, url; got none of them',
    'slices.0.service: give one of main, command, urls; got none of them',
  ]);
  expect(
    problemsOf({
      monolith: { command: ['node', '{prot}'], env: { A: '{secret.Session}' } },
      slices: [{ slice: { ...slice, name: 'proxy' }, service }],
      services: [{ name: 'proxy', main: 'a.ts' }],
    }),
  ).toEqual([
    'monolith.command.1: placeholder "prot" is not known; did you mean "port"? known: host, port, database.monolith, monolith.url, identity.publicKey, store.file, secret.<name>',
    expect.stringContaining('monolith.env.A: placeholder "secret.Session" is not known'),
    'slices.0: "proxy" is the name of another process; take another one',
    'services.0.name: "proxy" is the name of another process; take another one',
  ]);
});

test('an old file is read, and told in what words it is said now', () => {
  const old = { slices: [slice], monolithDeadlineMs: 7, serviceDeadlineMs: 9 };
  const { value, notices } = exportedConfig({ config: old });
  expect(notices).toEqual([expect.stringContaining('export default')]);
  expect(parseBanyanConfig(value)).toMatchObject({
    monolithDeadlineMs: 7,
    serviceDeadlinesMs: { notes: 9 },
    serviceOf: { notes: null },
    notices: [
      'monolithDeadlineMs is now monolith.deadlineMs',
      'serviceDeadlineMs is now deadlineMs beside each slice',
      expect.stringContaining('slices.0 is a bare slice'),
    ],
  });
  expect(problemsOf({ ...old, serviceDeadlineMs: -1 })).toEqual(
    expect.arrayContaining([expect.stringContaining('serviceDeadlineMs')]),
  );
});
