import type { APIRequestContext } from '@playwright/test';
import { expect, listedReview, openProduct, productsByReviews, signUp, test, writeReview } from './shop.ts';

/** Enough that a fair coin shows both sides but once in eight million runs. */
const VISITORS = 24;
const READS_EACH = 3;
const RETURN_TIMEOUT_MS = 15_000;

type Headers = Readonly<Record<string, string>>;

async function whoAnswers(request: APIRequestContext, path: string, headers: Headers): Promise<string> {
  const answer = await request.get(path, { headers: { ...headers } });
  expect(answer.status()).toBe(200);
  return answer.headers()['banyan-served-by'] ?? 'unknown';
}

test('reviews are answered by the side that this path is about, for each visitor always the same', async ({
  playwright,
  request,
  baseURL,
  path,
  testerHeaders,
}) => {
  const [slug = ''] = await productsByReviews(request);
  const answeredBy = new Set<string>();
  for (let visitor = 0; visitor < VISITORS; visitor += 1) {
    const context = await playwright.request.newContext(baseURL === undefined ? {} : { baseURL });
    // A visitor is dealt to a side once he has a cookie, which his first page brings.
    await context.get('/');
    const own = new Set<string>();
    for (let read = 0; read < READS_EACH; read += 1) {
      own.add(await whoAnswers(context, `/products/${slug}/reviews`, testerHeaders));
    }
    expect([...own], 'one visitor, one side').toHaveLength(1);
    for (const side of own) answeredBy.add(side);
    await context.dispose();
  }
  const wanted = { 0: ['monolith'], 0.5: ['monolith', 'service'], 1: ['service'] }[path.serviceShare ?? 0];
  expect([...answeredBy].sort()).toEqual(wanted);
});

test('everything else is answered by the monolith, and nobody is told who answers', async ({
  request,
  testerHeaders,
}) => {
  const [slug = ''] = await productsByReviews(request);
  for (const path of ['/', `/products/${slug}`, `/api/products/${slug}`, '/cart']) {
    expect(await whoAnswers(request, path, testerHeaders)).toBe('monolith');
  }
  const headers = (await request.get(`/products/${slug}/reviews`)).headers();
  expect(headers).not.toHaveProperty('banyan-served-by');
});

test("an author's own review is never missing while his reads go back to where they belong", async ({
  page,
  person,
  path,
  testerHeaders,
}) => {
  await signUp(page, person);
  await openProduct(page, 'Tables', 4);
  await page.getByRole('link', { name: 'All reviews' }).click();
  const list = new URL(page.url()).pathname;
  const title = `Still here ${person.name}`;
  await writeReview(page, { stars: 5, title, body: 'And here it stays.' });
  const home =
    { 0: ['monolith'], 0.5: ['monolith', 'service'], 1: ['service'] }[path.serviceShare ?? 0] ?? [];
  const deadlineMs = performance.now() + RETURN_TIMEOUT_MS;
  let side: string;
  do {
    await page.goto(list);
    // Counted without waiting, and outside of anything that tries again: the page must show it as it comes.
    expect(await listedReview(page, title).count()).toBe(1);
    side = await whoAnswers(page.request, list, testerHeaders);
  } while (!home.includes(side) && performance.now() < deadlineMs);
  expect(home).toContain(side);
});
