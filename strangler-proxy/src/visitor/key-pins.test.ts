import { afterEach, expect, test } from '@jest/globals';
import { silentLogger } from '@banyan/kit';
import { eventually, Opened } from '../testing/fixtures.ts';
import { KeyPins, type PinKey } from './key-pins.ts';
import { createPinTracker } from './pin-tracker.ts';

const opened = new Opened();
afterEach(() => opened.close());

/** Pins whose rounds say `answer.caughtUp`. */
function startPins(options: { maxKeys?: number; startsPinned?: boolean }): {
  pins: KeyPins;
  answer: { caughtUp: boolean };
} {
  const answer = { caughtUp: true };
  const tracker = createPinTracker({
    isCaughtUp: () => Promise.resolve(answer.caughtUp),
    log: silentLogger,
    roundEveryMs: 1,
  });
  opened.add(() => tracker.close());
  tracker.useSlices(['reviews']);
  return { pins: new KeyPins(tracker, options), answer };
}
const key = (digest: string): PinKey => ({ digest, isCookie: false });
function write(pins: KeyPins, ...keys: PinKey[]): void {
  pins.startWrite(keys);
  pins.endWrite(keys);
}

test('whoever wrote is pinned until the copy has it, also while the write is under way', async () => {
  const { pins } = startPins({ startsPinned: false });
  pins.startWrite([key('a')]);
  expect([pins.isPinned([key('a')]), pins.isPinned([key('b')]), pins.isPinned([])]).toEqual([
    true,
    false,
    false,
  ]);
  pins.endWrite([key('a')]);
  await eventually('it is free', () => !pins.isPinned([key('a')]));
  expect(pins.isPinned([key('b'), key('a')])).toBe(false);
});

test('nobody is forgotten when there are too many: all without cookies are pinned until the copies have it all', async () => {
  const { pins, answer } = startPins({ maxKeys: 3, startsPinned: false });
  answer.caughtUp = false;
  for (const name of ['a', 'b', 'c', 'c']) write(pins, key(name));
  expect(pins.isPinned([key('stranger')])).toBe(false);
  write(pins, key('d'));
  for (const name of ['a', 'b', 'c', 'd', 'stranger']) expect(pins.isPinned([key(name)])).toBe(true);
  // Who sends cookies back sends his pin back, too.
  expect(pins.isPinned([{ digest: 'e', isCookie: true }])).toBe(false);
  answer.caughtUp = true;
  for (const name of ['a', 'b', 'c', 'd', 'stranger']) {
    await eventually(`${name} is free`, () => !pins.isPinned([key(name)]));
  }
});

test('a proxy that starts does not know who wrote before', async () => {
  const { pins, answer } = startPins({});
  answer.caughtUp = false;
  expect([pins.isPinned([key('a')]), pins.isPinned([{ digest: 'a', isCookie: true }])]).toEqual([
    true,
    false,
  ]);
  answer.caughtUp = true;
  await eventually('it is free', () => !pins.isPinned([key('a')]));
});

test('a write that lasts longer than that pins all the same', async () => {
  const { pins, answer } = startPins({ maxKeys: 1, startsPinned: false });
  pins.startWrite([key('slow')]);
  write(pins, key('other'));
  await eventually('everybody is free', () => !pins.isPinned([key('stranger')]));
  answer.caughtUp = false;
  pins.endWrite([key('slow')]);
  expect(pins.isPinned([key('slow')])).toBe(true);
});
