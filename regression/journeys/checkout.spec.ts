import { expect, openInStock, signUp, test } from './shop.ts';

test('a customer fills the cart, changes it, orders, and finds the order among his orders', async ({
  page,
  person,
}) => {
  await signUp(page, person);
  const first = await openInStock(page, 'Textiles');
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Your cart' })).toBeVisible();
  const second = await openInStock(page, 'Seating');
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await expect(page.getByRole('main').getByRole('listitem')).toHaveCount(2);
  await page.getByRole('button', { name: `Remove ${second}` }).click();
  await expect(page.getByRole('main').getByRole('listitem')).toHaveCount(1);

  await page.getByRole('link', { name: 'To checkout' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Checkout' })).toBeVisible();
  await page.getByLabel('Street and number').fill('Mill Lane 7');
  await page.getByLabel('Postcode').fill('3511');
  await page.getByLabel('Town or city').fill('Utrecht');
  await page.getByRole('button', { name: 'Place order' }).click();

  const heading = page.getByRole('heading', { level: 1, name: /^Order \d+$/ });
  await expect(heading).toBeVisible();
  const order = (await heading.textContent()) ?? '';
  await expect(page.getByRole('cell', { name: first })).toBeVisible();
  await expect(page.getByRole('main')).toContainText('Mill Lane 7');

  await page.goto('/orders');
  const row = page.getByRole('row', { name: new RegExp(`^${order}\\b`) });
  await expect(row).toContainText(first);
  // On a small screen too the total is there to be seen, and the menu that goes on to the right shows that it does.
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(page.getByText(/^€/).first()).toBeInViewport({ ratio: 1 });
  const menu = page.getByRole('navigation', { name: 'Departments' });
  expect(await menu.evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)).toBe(true);
  await expect(menu).toHaveCSS('background-image', /linear-gradient/);
  await page.goto('/cart');
  await expect(page.getByText('There is nothing in it yet.')).toBeVisible();
});

test('a cart filled before signing up is still there afterwards', async ({ page, person }) => {
  const name = await openInStock(page, 'Kitchen');
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await signUp(page, person);
  await page.getByRole('link', { name: 'Cart' }).click();
  await expect(page.getByRole('heading', { level: 2, name })).toBeVisible();
});
