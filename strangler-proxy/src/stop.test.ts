import { get, type ClientRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { pinCookieOf } from './testing/pin.ts';
import { startBlackHole } from './testing/black-hole.ts';
import { startFakeControl } from './testing/fake-control.ts';
import {
  ask,
  eventually,
  Opened,
  sliceOf,
  snapshotOf,
  startProxy,
  startUpstream,
} from './testing/fixtures.ts';
import type { Proxy } from './create-proxy.ts';

const opened = new Opened();
afterEach(() => opened.close());

/** How long `close()` takes, in seconds rounded down: it must wait for nobody, whatever a busy machine adds. */
async function secondsToClose(proxy: Proxy): Promise<number> {
  const startedAtMs = performance.now();
  await proxy.close();
  return Math.floor((performance.now() - startedAtMs) / 1_000);
}

/** Well below each of the deadlines that could be waited for instead. */
const AT_ONCE_SECONDS = 4;

describe('a proxy that is told to stop', () => {
  test('does not wait for a control plane whose address has gone dark', async () => {
    const monolith = await startUpstream(opened, (_request, response) => response.end('monolith'));
    const controlUrl = await startBlackHole(opened);
    const proxy = await startProxy(opened, {
      monolithUrl: monolith.url,
      controlUrl,
      connectTimeoutMs: 600_000,
    });
    proxy.applySnapshot(snapshotOf(1, monolith.url, [sliceOf(monolith.url)]));
    const written = await ask(`${proxy.url}/cart`, { method: 'POST', body: 'x' });
    // A pin is now asked for, besides the stream and the report.
    await ask(`${proxy.url}/cart`, { headers: { cookie: pinCookieOf(written) } });
    expect(await secondsToClose(proxy)).toBeLessThan(AT_ONCE_SECONDS);
  });

  test('nor for one that went away, or hangs in the middle of its answers', async () => {
    const monolith = await startUpstream(opened, (_request, response) => response.end('monolith'));
    const control = await startFakeControl(opened);
    const proxy = await startProxy(opened, { monolithUrl: monolith.url, controlUrl: control.url });
    control.send(snapshotOf(1, monolith.url, [sliceOf(monolith.url)]));
    control.answerWith(null);
    await eventually('the routes are in use', () => proxy.report().snapshotVersion === 1);
    const written = await ask(`${proxy.url}/cart`, { method: 'POST', body: 'x' });
    await ask(`${proxy.url}/cart`, { headers: { cookie: pinCookieOf(written) } });
    await eventually('it asks how far the copies are', () => control.openQuestions > 0);
    control.cut();
    expect(await secondsToClose(proxy)).toBeLessThan(AT_ONCE_SECONDS);
  });

  test('nor for a monolith that does not answer who a session is', async () => {
    const monolithUrl = await startBlackHole(opened);
    const service = await startUpstream(opened, (_request, response) => response.end('service'));
    const proxy = await startProxy(opened, { monolithUrl, connectTimeoutMs: 600_000, drainMs: 1 });
    proxy.applySnapshot(snapshotOf(1, monolithUrl, [sliceOf(service.url)]));
    const request = openRequest(`${proxy.url}/cart`, { cookie: 'shop.sid=abc' });
    await eventually('it has come', () => proxy.report().requests === 1);
    expect(await secondsToClose(proxy)).toBeLessThan(AT_ONCE_SECONDS);
    request.destroy();
  });

  test('lets a download go on for as long as it may drain, and ends right after the last', async () => {
    let finish: () => void = () => undefined;
    const monolith = await startUpstream(opened, (_request, response) => {
      response.write('begun');
      finish = () => response.end(' and whole');
    });
    const proxy = await startProxy(opened, { monolithUrl: monolith.url, drainMs: 600_000 });
    const [answer] = (await once(openRequest(`${proxy.url}/big`), 'response')) as [IncomingMessage];
    const closed = proxy.close();
    await eventually('nobody is let in', () => ask(proxy.url).then(() => false, () => true)); // prettier-ignore
    finish();
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('begun and whole');
    await closed; // within the test's own time limit, and not after ten minutes
  });

  test('tells a client whose answer has not begun that the connection ends', async () => {
    let finish: () => void = () => undefined;
    const monolith = await startUpstream(opened, (_request, response) => {
      finish = () => response.end('late');
    });
    const proxy = await startProxy(opened, { monolithUrl: monolith.url, drainMs: 600_000 });
    const response = once(openRequest(`${proxy.url}/slow`, { connection: 'keep-alive' }), 'response');
    await eventually('it arrives', () => monolith.requests.length === 1);
    const closed = proxy.close();
    finish();
    const [answer] = (await response) as [IncomingMessage];
    expect(answer.headers.connection).toBe('close');
    answer.resume();
    await closed;
  });
});

test('a question whose time is up is given up, although no connection could be made', async () => {
  const monolithUrl = await startBlackHole(opened);
  const service = await startUpstream(opened, (_request, response) => response.end('service'));
  const proxy = await startProxy(opened, { monolithUrl, connectTimeoutMs: 600_000 });
  proxy.applySnapshot(
    snapshotOf(1, monolithUrl, [sliceOf(service.url, { owner: 'service', phase: 'extracted' })]),
  );
  // Who asks cannot be found out; the write goes to its owner all the same, and not after the time to connect.
  const answer = await ask(`${proxy.url}/cart`, {
    method: 'POST',
    body: 'x',
    headers: { cookie: 'shop.sid=abc' },
  });
  expect(answer.text).toBe('service');
});

function openRequest(url: string, headers: Record<string, string> = {}): ClientRequest {
  const request = get(url, { agent: false, headers });
  request.on('error', () => undefined); // a proxy that stops cuts it
  opened.add(() => {
    request.destroy();
    return undefined;
  });
  return request;
}
