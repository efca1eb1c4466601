/** Feed and control plane stand still: nobody is left to notice that the copy grows old but the service itself. */
import { SERVED_BY_HEADER, OVERRIDE_TOKEN_HEADER, VISITOR_COOKIE } from '@banyan/contracts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Reviewer } from './reviewer.ts';
import { anyLag, Stack, until } from './stack.ts';

const stack = new Stack({ gates: anyLag });
let shopUrl: string;

beforeAll(async () => {
  ({ shopUrl } = await stack.up());
  await stack.json('advance', 'reviews', '--wait');
  await stack.json('advance', 'reviews');
  await stack.json('route', 'reviews', '--share', '100%', '--reason', 'all of it');
}, 180_000);

afterAll(async () => {
  await stack.close();
}, 180_000);

/** Which side a known visitor is answered by. */
async function servedBy(slug: string): Promise<string | null> {
  const answer = await fetch(`${shopUrl}/api/products/${slug}/reviews`, {
    headers: {
      [OVERRIDE_TOKEN_HEADER]: stack.secret('override.token'),
      cookie: `${VISITOR_COOKIE}=${'A'.repeat(22)}`,
    },
  });
  await answer.body?.cancel();
  expect(answer.status).toBe(200);
  return answer.headers.get(SERVED_BY_HEADER);
}

test('with reader and control stopped, readers soon get rows of the monolith, and those of the service after it', async () => {
  const [slug = ''] = await new Reviewer(shopUrl, stack.secret('override.token')).slugs();
  await until('the service answers', async () => (await servedBy(slug)) === 'service');
  const stopped = [stack.pid('control'), stack.pid('reader')];
  for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  try {
    await until('the monolith answers', async () => (await servedBy(slug)) === 'monolith', 60_000);
  } finally {
    for (const pid of stopped) process.kill(pid, 'SIGCONT');
  }
  await until('the copy is in sync again', async () => (await stack.slice()).inSync);
}, 180_000);
