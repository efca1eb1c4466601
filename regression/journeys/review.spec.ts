import { expect, listedReview, openProduct, signUp, test, writeReview } from './shop.ts';

test('a customer writes a review and sees it at once in the list, changes it, and takes it back', async ({
  page,
  person,
}) => {
  await signUp(page, person);
  await openProduct(page, 'Lighting', 2);
  await page.getByRole('link', { name: 'All reviews' }).click();

  const first = {
    stars: 4,
    title: `Warm light ${person.name}`,
    body: 'It stands beside the good chair now.',
  };
  await writeReview(page, first);
  const own = listedReview(page, first.title);
  await expect(own).toBeVisible();
  await expect(own.getByRole('img', { name: '4 out of 5 stars' })).toBeVisible();
  await expect(own).toContainText(first.body);
  await expect(own).toContainText(person.name);

  const second = { stars: 2, title: `Flickers ${person.name}`, body: 'After a week it began to flicker.' };
  await writeReview(page, second);
  await expect(listedReview(page, second.title).getByRole('img', { name: '2 out of 5 stars' })).toBeVisible();
  await expect(listedReview(page, first.title)).toHaveCount(0);

  await page.getByRole('button', { name: 'Delete my review' }).click();
  await expect(page.getByRole('heading', { level: 2, name: 'Write a review' })).toBeVisible();
  await expect(listedReview(page, second.title)).toHaveCount(0);
});

test('a review counts in the average at once, on the list and on the product page', async ({
  page,
  person,
}) => {
  await signUp(page, person);
  const name = await openProduct(page, 'Storage', 3);
  const rating = page.locator('.rating-line');
  await page.getByRole('link', { name: 'All reviews' }).click();
  const before = await rating.textContent();
  await writeReview(page, { stars: 1, title: `Too small ${person.name}`, body: 'Nothing fits into it.' });
  await expect(rating).not.toHaveText(before ?? '');
  const after = (await rating.textContent()) ?? '';
  await page.getByRole('link', { name: `Back to ${name}` }).click();
  await expect(rating).toHaveText(after);
});

test("another reader finds a review helpful, and its author's own has no such button", async ({
  browser,
  page,
  person,
  baseURL,
}) => {
  await signUp(page, person);
  await openProduct(page, 'Kitchen', 1);
  await page.getByRole('link', { name: 'All reviews' }).click();
  const title = `Good with bread ${person.name}`;
  await writeReview(page, { stars: 5, title, body: 'In use every morning.' });
  await expect(listedReview(page, title)).toBeVisible();
  await expect(listedReview(page, title).getByRole('button', { name: 'This helped me' })).toHaveCount(0);

  const context = await browser.newContext(baseURL === undefined ? {} : { baseURL });
  const reader = await context.newPage();
  await signUp(reader, { ...person, name: `Reader ${person.name}`, email: `reader.${person.email}` });
  const list = new URL(page.url()).pathname;
  // A reader who wrote nothing himself may see it a moment later than its author.
  await expect(async () => {
    await reader.goto(list);
    await expect(listedReview(reader, title)).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 10_000 });
  await listedReview(reader, title).getByRole('button', { name: 'This helped me' }).click();
  await expect(listedReview(reader, title)).toContainText('1 person found this helpful');
  await context.close();
});
