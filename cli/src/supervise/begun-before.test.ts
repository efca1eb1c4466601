/** State folders of earlier versions go on as they were. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome, type Home } from '../home.ts';
import { choosePorts } from './ports.ts';
import { findFreePort } from '@banyan/postgres';
import { chooseTopicPrefix, rememberTopicPrefix } from './topic-prefix.ts';

let home: Home;
beforeEach(() => {
  home = openHome({ BANYAN_HOME: mkdtempSync(join(tmpdir(), 'banyan-begun-')) });
});
afterEach(() => rmSync(home.dir, { recursive: true }));

test('addresses stay, though the file called them otherwise', async () => {
  const [customers, reviews, control] = [await findFreePort(), await findFreePort(), await findFreePort()];
  writeFileSync(home.portsFile, JSON.stringify({ shop: customers, reviews, control }));
  const ports = await choosePorts(home, { services: ['reviews', 'stock'] });
  expect(ports).toMatchObject({ public: customers, control, services: { reviews } });
  // And from now on under the names of now.
  expect(await choosePorts(home, { services: ['stock', 'reviews'] })).toEqual(ports);
});

test('the topics’ prefix is what it was at the first start, and another one is refused', () => {
  expect(chooseTopicPrefix(home, null)).toBe('banyan');
  expect(chooseTopicPrefix(home, 'notebook')).toBe('notebook');
  writeFileSync(home.file('bus.sqlite'), '');
  expect(chooseTopicPrefix(home, null)).toBe('shop');
  rememberTopicPrefix(home, 'notebook');
  expect(chooseTopicPrefix(home, null)).toBe('notebook');
  expect(() => chooseTopicPrefix(home, 'diary')).toThrow(
    expect.objectContaining({ code: 'other-topic-prefix' }),
  );
});
