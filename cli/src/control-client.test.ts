import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ControlClient } from './control-client.ts';
import { openHome, type Home } from './home.ts';

let home: Home;
beforeEach(() => {
  home = openHome({ BANYAN_HOME: mkdtempSync(join(tmpdir(), 'banyan-control-client-')) });
});
afterEach(() => {
  delete process.env['BANYAN_CONTROL_URL'];
  rmSync(home.dir, { recursive: true });
});

test('a control plane that others run is asked at its address, with the token of this home', async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url, request.headers.authorization);
    response.setHeader('content-type', 'application/json');
    response.end('{"schema_version":1,"entries":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env['BANYAN_CONTROL_URL'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  mkdirSync(home.secretsDir);
  writeFileSync(home.secret('admin.token'), 'the-token-of-people\n');
  try {
    expect(await ControlClient.open(home).journal({})).toEqual([]);
    expect(seen).toEqual(['/v1/journal?', 'Bearer the-token-of-people']);
  } finally {
    server.close();
  }
});

test('texts of others come ready to be printed, in refusals too, and as they are where JSON is wanted', async () => {
  const entry = { id: 1, atMs: 1, slice: 'reviews', by: 'eve\u001b[2J', verb: 'pause', from: 'a', to: 'a' };
  const answers = [
    [200, { schema_version: 1, entries: [{ ...entry, reason: 'x\n99 ok\u202e', epoch: 1, evidence: [] }] }],
    [
      409,
      { schema_version: 1, error: { code: 'c', message: 'm\u009b2J', evidence: ['e\r'], next_steps: [] } },
    ],
  ] as const;
  let asked = 0;
  const server = createServer((_request, response) => {
    const [status, body] = answers[asked++ < 2 ? 0 : 1];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env['BANYAN_CONTROL_URL'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  mkdirSync(home.secretsDir);
  writeFileSync(home.secret('admin.token'), 'the-token-of-people\n');
  try {
    const [shown] = await ControlClient.open(home).journal({});
    expect(shown).toMatchObject({ by: 'eve\\u001b[2J', reason: 'x\\u000a99 ok\\u202e' });
    const [exact] = await ControlClient.open(home, { exact: true }).journal({});
    expect(exact).toMatchObject({ by: 'eve\u001b[2J', reason: 'x\n99 ok\u202e' });
    await expect(ControlClient.open(home).status()).rejects.toMatchObject({
      message: 'm\\u009b2J',
      evidence: ['e\\u000d'],
    });
  } finally {
    server.close();
  }
});

test('without its token the command says what to wait for', () => {
  process.env['BANYAN_CONTROL_URL'] = 'http://127.0.0.1:9';
  expect(() => ControlClient.open(home)).toThrow(expect.objectContaining({ code: 'no-admin-token' }));
});

test('without its address, what is not started here does not run', () => {
  expect(() => ControlClient.open(home)).toThrow(expect.objectContaining({ code: 'not-running' }));
});
