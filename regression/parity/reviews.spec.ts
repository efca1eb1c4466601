import type { BrowserContext } from '@playwright/test';
import { listedReview, productsByReviews, signUp, writeReview } from '../journeys/shop.ts';
import { describeDifferences, type Difference } from '../src/parity/difference.ts';
import { compareJson } from '../src/parity/compare-json.ts';
import { comparePages, expect, readJson, readPage, test, type Source } from './sides.ts';

/** A stale copy is not a wrong one: what was written a moment ago may still be on its way. */
const CATCH_UP_TIMEOUT_MS = 10_000;

interface Sides {
  readonly monolith: Source;
  readonly service: Source;
}

async function expectNoDifference(look: () => Promise<readonly Difference[]>): Promise<void> {
  await expect.poll(async () => describeDifferences(await look()), { timeout: CATCH_UP_TIMEOUT_MS }).toBe('');
}

const expectSamePage = (context: BrowserContext, { monolith, service }: Sides, path: string) =>
  expectNoDifference(async () =>
    comparePages(await readPage(context, monolith, path), await readPage(context, service, path)),
  );

const expectSameJson = (context: BrowserContext, { monolith, service }: Sides, path: string) =>
  expectNoDifference(async () =>
    compareJson(await readJson(context, monolith, path), await readJson(context, service, path)),
  );

/** Products with many reviews, some, and few or none. */
async function chooseSlugs(context: BrowserContext, baseURL = ''): Promise<readonly string[]> {
  const request = context.request;
  const slugs = await productsByReviews({ get: (path: string) => request.get(new URL(path, baseURL).href) });
  return [slugs[0], slugs[1], slugs[Math.floor(slugs.length / 2)], slugs.at(-1)].filter(
    (slug) => slug !== undefined,
  );
}

test('a visitor finds the same review pages on both sides', async ({ context, sides, baseURL }) => {
  test.setTimeout(120_000);
  const slugs = await chooseSlugs(context, baseURL);
  for (const slug of slugs) await expectSamePage(context, sides, `/products/${slug}/reviews`);
  const [most = ''] = slugs;
  for (const page of ['2', '999', '0', 'two', '-1']) {
    await expectSamePage(context, sides, `/products/${most}/reviews?page=${page}`);
  }
});

test("both sides' pages agree by Playwright's own comparison, children and all", async ({
  context,
  sides,
  baseURL,
}) => {
  const [slug = ''] = await chooseSlugs(context, baseURL);
  const path = `/products/${slug}/reviews`;
  const { aria } = await readPage(context, sides.monolith, path);
  const page = await context.newPage();
  await page.setExtraHTTPHeaders({ ...sides.service.headers });
  const answer = await page.goto(new URL(path, sides.service.baseUrl).href);
  expect(answer?.headers()['banyan-served-by']).toBe('service');
  await expect(page.locator('body')).toMatchAriaSnapshot(`- /children: deep-equal\n${aria}`);
});

test('somebody signed in finds the same pages on both sides, before and after his own review', async ({
  context,
  page,
  person,
  sides,
  baseURL,
}) => {
  test.setTimeout(120_000);
  await signUp(page, person);
  const [slug = ''] = await chooseSlugs(context, baseURL);
  const path = `/products/${slug}/reviews`;
  await expectSamePage(context, sides, path);
  await page.goto(path);
  const title = `Both say so ${person.name}`;
  await writeReview(page, { stars: 3, title, body: 'Line one.\n\nLine "two" <b>& three</b>.' });
  await expect(listedReview(page, title)).toBeVisible();
  await expectSamePage(context, sides, path);
  await expectSamePage(context, sides, `${path}?page=2`);
  await expectSameJson(context, sides, `/api${path}`);
});

test('the API answers the same JSON on both sides', async ({ context, sides, baseURL }) => {
  test.setTimeout(120_000);
  const slugs = await chooseSlugs(context, baseURL);
  for (const slug of slugs) await expectSameJson(context, sides, `/api/products/${slug}/reviews`);
  const [most = ''] = slugs;
  for (const query of ['page=2', 'perPage=3&page=4', 'perPage=100', 'page=999']) {
    await expectSameJson(context, sides, `/api/products/${most}/reviews?${query}`);
  }
});

test('both sides refuse the same requests in the same words', async ({ context, sides, baseURL }) => {
  const [slug = ''] = await chooseSlugs(context, baseURL);
  await expectSamePage(context, sides, '/products/no-such-thing/reviews');
  await expectSameJson(context, sides, '/api/products/no-such-thing/reviews');
  for (const query of ['page=0', 'perPage=101', 'page=x&perPage=0']) {
    await expectSameJson(context, sides, `/api/products/${slug}/reviews?${query}`);
  }
});
