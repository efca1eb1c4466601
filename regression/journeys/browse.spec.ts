import { expect, openProduct, productsByReviews, test } from './shop.ts';

test('a visitor comes from the front page through a category to a product and what others say of it', async ({
  page,
}) => {
  const name = await openProduct(page, 'Tables', 1);
  await expect(page.getByText(/^€[\d,]+\.\d\d$/)).toBeVisible();
  await page.getByRole('link', { name: 'All reviews' }).click();
  await expect(page.getByRole('heading', { level: 1, name: `Reviews of ${name}` })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Sign in to write a review' })).toBeVisible();
  await page.getByRole('link', { name: `Back to ${name}` }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
});

test("the product's page and its review list agree on average, count and the newest reviews", async ({
  page,
}) => {
  await page.goto('/');
  await page.getByRole('region', { name: "Customers' favourites" }).getByRole('link').first().click();
  const rating = page.locator('.rating-line');
  const average = await rating.textContent();
  const newest = await page.getByRole('article').getByRole('heading').allTextContents();
  expect(average).toMatch(/\d\.\d/);
  expect(newest.length).toBeGreaterThan(0);
  await page.getByRole('link', { name: 'All reviews' }).click();
  await expect(rating).toHaveText(average ?? '');
  const listed = await page.getByRole('article').getByRole('heading').allTextContents();
  expect(listed.slice(0, newest.length)).toEqual(newest);
});

test('a long review list is paged, and each page shows other reviews', async ({ page, request }) => {
  const [slug = ''] = await productsByReviews(request);
  await page.goto(`/products/${slug}/reviews`);
  const titles = () =>
    page.getByRole('article').evaluateAll((all) => all.map(({ id }: { id: string }) => id));
  const first = await titles();
  expect(first).toHaveLength(10);
  const pager = page.getByRole('navigation', { name: 'Pages' });
  await pager.getByRole('link', { name: 'Next' }).click();
  await expect(pager).toContainText('Page 2 of');
  expect((await titles()).filter((id) => first.includes(id))).toEqual([]);
  await pager.getByRole('link', { name: 'Previous' }).click();
  expect(await titles()).toEqual(first);
});

test('an address where nothing is says so', async ({ page }) => {
  for (const path of ['/products/no-such-thing', '/products/no-such-thing/reviews']) {
    const answer = await page.goto(path);
    expect(answer?.status()).toBe(404);
    await expect(page.getByRole('heading', { level: 1, name: 'Page not found' })).toBeVisible();
  }
});
