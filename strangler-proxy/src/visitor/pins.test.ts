import { afterEach, describe, expect, test } from '@jest/globals';
import type { SliceRoutes } from '@banyan/contracts';
import type { Proxy, ProxyOptions } from '../create-proxy.ts';
import { startFakeControl, type FakeControl } from '../testing/fake-control.ts';
import {
  ask,
  cookieOf,
  eventually,
  Opened,
  OVERRIDE_TOKEN,
  sliceOf,
  snapshotOf,
  startProxy,
  startUpstream,
  VISITOR,
  type Answer,
} from '../testing/fixtures.ts';

const opened = new Opened();
afterEach(() => opened.close());

interface Scene {
  readonly control: FakeControl;
  readonly monolithUrl: string;
  readonly slices: readonly SliceRoutes[];
  /** Answers held back at `/held`. */
  readonly release: () => void;
  readonly held: number;
  readonly start: (options?: Partial<ProxyOptions>) => Promise<Proxy>;
}

async function startScene(change: Partial<SliceRoutes> = {}): Promise<Scene> {
  const control = await startFakeControl(opened);
  const held: (() => void)[] = [];
  const monolith = await startUpstream(opened, (request, response) => {
    if (request.url === '/held') held.push(() => response.end('held'));
    else if (request.url === '/broken') response.destroy();
    else response.end('monolith');
  });
  const service = await startUpstream(opened, (_request, response) => response.end('service'));
  const slices = [sliceOf(service.url, change)];
  return {
    control,
    monolithUrl: monolith.url,
    slices,
    release: () => held.splice(0).forEach((end) => end()),
    get held() {
      return held.length;
    },
    async start(options) {
      const proxy = await startProxy(opened, {
        monolithUrl: monolith.url,
        controlUrl: control.url,
        ...options,
      });
      proxy.applySnapshot(snapshotOf(1, monolith.url, slices));
      return proxy;
    },
  };
}

/** Writes, and gives the pin that the answer brings. */
async function write(proxy: Proxy, cookie?: string): Promise<string> {
  const answer = await ask(`${proxy.url}/anything`, { method: 'POST', headers: cookie ? { cookie } : {} });
  const pin = cookieOf(answer, 'banyan_pin');
  if (!pin) throw new Error('the write brought no pin');
  return pin;
}
const read = (proxy: Proxy, cookie: string, path = '/cart'): Promise<Answer> =>
  ask(proxy.url + path, { headers: { cookie: `${cookie}; ${VISITOR}` } });
const clears = (answer: Answer): boolean =>
  answer.cookies.some((cookie) => cookie.startsWith('banyan_pin=;'));

describe('a write to the monolith pins its session', () => {
  test('by a cookie that keeps its reads there until the copy has caught up, and is then taken away', async () => {
    const { control, start } = await startScene();
    control.answerWith(null);
    const proxy = await start();
    const answer = await ask(`${proxy.url}/anything`, { method: 'POST' });
    expect(answer.cookies[0]).toMatch(
      /^banyan_pin=[\w-]{16}\.[\w-]{43}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const pin = cookieOf(answer, 'banyan_pin') ?? '';
    const pinned = await read(proxy, pin);
    expect([pinned.text, clears(pinned)]).toEqual(['monolith', false]);
    await eventually('control is asked', () => control.openQuestions === 1);
    expect((await read(proxy, pin)).text).toBe('monolith');
    expect(control.questions).toEqual([['reviews']]);

    control.answerAll(true);
    let freed: Answer | undefined;
    await eventually('it is freed', async () => (freed = await read(proxy, pin)).text === 'service');
    expect(freed && clears(freed)).toBe(true);
    expect(proxy.report().slices[0]?.byReason).toMatchObject({ cohort: 1 });
  });

  test('and a page outside the slice may bring the clearing too', async () => {
    const { start } = await startScene();
    const proxy = await start();
    const pin = await write(proxy);
    await eventually('it is cleared', async () => clears(await read(proxy, pin, '/elsewhere')));
  });

  test('for as long as control gives no answer', async () => {
    const { control, start } = await startScene();
    control.answerWith(false);
    const proxy = await start();
    const pin = await write(proxy);
    await eventually('control is asked again and again', async () => {
      expect(await read(proxy, pin)).toMatchObject({ text: 'monolith' });
      return control.questions.length >= 3;
    });
    await control.close();
    for (let i = 0; i < 3; i++) expect(clears(await read(proxy, pin))).toBe(false);
    expect((await read(proxy, pin)).text).toBe('monolith');
  });

  test('also when it got no answer, since it may have been done', async () => {
    const { start } = await startScene();
    const proxy = await start();
    const answer = await ask(`${proxy.url}/broken`, { method: 'POST' });
    expect(answer.status).toBe(502);
    expect(cookieOf(answer, 'banyan_pin')).not.toBeNull();
  });

  test('from the copy on, not before, and not where it is moved', async () => {
    const { start, monolithUrl, slices } = await startScene();
    const proxy = await start();
    let version = 1;
    const pins = async (change: Partial<SliceRoutes>): Promise<boolean> => {
      proxy.applySnapshot(snapshotOf(++version, monolithUrl, slices.map((slice) => ({ ...slice, ...change })))); // prettier-ignore
      return cookieOf(await ask(`${proxy.url}/x`, { method: 'POST' }), 'banyan_pin') !== null;
    };
    expect(await pins({ phase: 'monolith' })).toBe(false);
    expect(await pins({ phase: 'syncing' })).toBe(true);
    expect(await pins({ phase: 'extracted', owner: 'service' })).toBe(false);
  });

  test('unless the pin is forged', async () => {
    const { control, start } = await startScene();
    const proxy = await start();
    const other = await start({ pinSecret: 'another secret altogether' });
    for (const pin of ['banyan_pin=x', 'banyan_pin=AAAAAAAAAAAAAAAA.AAAA', await write(other)]) {
      expect((await read(proxy, pin)).text).toBe('service');
    }
    expect(control.questions).toEqual([]);
  });

  test('but an authorised override beats it', async () => {
    const { control, start } = await startScene();
    control.answerWith(false);
    const proxy = await start();
    const cookie = await write(proxy);
    const headers = { cookie, 'banyan-override': 'reviews=service', 'banyan-override-token': OVERRIDE_TOKEN };
    expect((await ask(`${proxy.url}/cart`, { headers })).text).toBe('service');
  });
});

describe('a pin is not cleared', () => {
  test('by a round that began before it was seen', async () => {
    const { control, start } = await startScene();
    control.answerWith(null);
    const proxy = await start();
    const early = await write(proxy);
    await read(proxy, early);
    await eventually('the first round runs', () => control.openQuestions === 1);
    const late = await write(proxy);
    await read(proxy, late);
    control.answerAll(true);
    await eventually('the early one is freed', async () => clears(await read(proxy, early)));
    expect((await read(proxy, late)).text).toBe('monolith');
    await eventually('the late one has a round of its own', () => control.openQuestions === 1);
    control.answerAll(true);
    await eventually('the late one is freed', async () => clears(await read(proxy, late)));
  });

  test('while a write that carries it is under way, nor on the strength of a round from before that', async () => {
    const scene = await startScene();
    const { control } = scene;
    const proxy = await scene.start();
    const pin = await write(proxy);
    await eventually('it is known to be applied', async () => (await read(proxy, pin)).text === 'service');

    const second = ask(`${proxy.url}/held`, { method: 'POST', headers: { cookie: pin } });
    await eventually('the second write is at the monolith', () => scene.held === 1);
    const during = await read(proxy, pin);
    expect([during.text, clears(during)]).toEqual(['monolith', false]);
    control.answerWith(null);
    scene.release();
    const newPin = cookieOf(await second, 'banyan_pin');
    expect(newPin).not.toBeNull();
    expect(newPin).not.toBe(pin);
    const after = await read(proxy, pin);
    expect([after.text, clears(after)]).toEqual(['monolith', false]);
  });
});

test('many pins share a round', async () => {
  const { control, start } = await startScene();
  const proxy = await start();
  const pins = await Promise.all(Array.from({ length: 20 }, () => write(proxy)));
  await eventually('all are freed', async () => {
    const answers = await Promise.all(pins.map((pin) => read(proxy, pin)));
    return answers.every(({ text }) => text === 'service');
  });
  expect(control.questions.length).toBeLessThan(20);
});

test('a pin outlives the proxy that set it: another one keeps it, asks, and clears it', async () => {
  const { control, start } = await startScene();
  control.answerWith(null);
  const first = await start({ proxyId: 'first' });
  const second = await start({ proxyId: 'second' });
  const pin = await write(first);
  await first.close();
  expect((await read(second, pin)).text).toBe('monolith');
  await eventually('the second one asks', () => control.openQuestions === 1);
  control.answerAll(true);
  await eventually('the second one clears', async () => clears(await read(second, pin)));
});
