import { expect, signUp, test } from './shop.ts';

test('a visitor signs up, signs out and signs in again', async ({ page, person }) => {
  await signUp(page, person);
  await page.getByRole('link', { name: `Account (${person.name})` }).click();
  await expect(page.getByRole('main')).toContainText(person.email);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('link', { name: 'Sign in' })).toBeVisible();

  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('Email address').fill(person.email);
  await page.getByLabel('Password').fill('not that one');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('do not belong together');
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('link', { name: `Account (${person.name})` })).toBeVisible();
});

test('somebody who is not signed in is asked to, and then led to where he wanted to go', async ({
  page,
  person,
}) => {
  await page.goto('/orders');
  await expect(page.getByRole('heading', { level: 1, name: 'Sign in' })).toBeVisible();
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByLabel('Your name').fill(person.name);
  await page.getByLabel('Email address').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Your orders' })).toBeVisible();
});
