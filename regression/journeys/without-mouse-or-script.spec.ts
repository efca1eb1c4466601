import { expect, listedReview, openProduct, signUp, test, writeReview } from './shop.ts';
import type { Locator, Page } from '@playwright/test';

const MAX_TABS = 120;

/** Presses Tab until the element has the focus, as somebody without a mouse does. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  const isFocused = () => target.and(page.locator(':focus')).count();
  for (let presses = 0; presses < MAX_TABS; presses += 1) {
    if ((await isFocused()) > 0) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${String(target)} is not reached by ${MAX_TABS} presses of Tab`);
}

test('a review is written and sent with the keyboard alone', async ({ page, person }) => {
  await signUp(page, person);
  await openProduct(page, 'Seating', 3);
  await tabTo(page, page.getByRole('link', { name: 'All reviews' }));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: /^Reviews of / })).toBeVisible();

  const title = `By keyboard ${person.name}`;
  await tabTo(page, page.getByRole('radio', { name: '1' }));
  for (let stars = 1; stars < 4; stars += 1) await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('radio', { name: '4' })).toBeChecked();
  await tabTo(page, page.getByLabel('Title'));
  await page.keyboard.type(title);
  await tabTo(page, page.getByLabel('What do you think?'));
  await page.keyboard.type('No mouse was needed.');
  await tabTo(page, page.getByRole('button', { name: 'Publish review' }));
  await page.keyboard.press('Enter');
  await expect(listedReview(page, title).getByRole('img', { name: '4 out of 5 stars' })).toBeVisible();
});

test('the first press of Tab offers to skip to the content', async ({ page }) => {
  await page.goto('/');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a visitor signs up and reviews', async ({ page, person }) => {
    await signUp(page, person);
    await openProduct(page, 'Textiles', 3);
    await page.getByRole('link', { name: 'All reviews' }).click();
    const title = `Plain HTML ${person.name}`;
    await writeReview(page, { stars: 3, title, body: 'Works like in the old days.' });
    await expect(listedReview(page, title)).toBeVisible();
  });
});
