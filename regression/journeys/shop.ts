import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { expect, test as base, type APIRequestContext, type Page } from '@playwright/test';
import { z } from 'zod';
import { bringReviewsTo } from '../src/environment/banyan.ts';
import { readEnvironment, requireFull, type Environment } from '../src/environment/environment.ts';
import { shopPaths, type ShopPath } from '../src/environment/shop-path.ts';

/** What a project of the configuration sets. */
export interface PathOptions {
  readonly path: ShopPath;
}

/** Somebody who can sign up. */
export interface Person {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

interface Fixtures {
  /** A new person for each test, without an account yet. */
  readonly person: Person;
  /** Headers with which the proxy says who answered, in `banyan-served-by`. */
  readonly testerHeaders: Readonly<Record<string, string>>;
}

interface WorkerFixtures extends PathOptions {
  readonly environment: Environment;
  /** The slice of reviews is where the path wants it. */
  readonly slice: null;
}

const PREPARE_TIMEOUT_MS = 240_000;

/** Playwright's `test` on one of the paths: `page` and `request` talk to that path's address. */
export const test = base.extend<Fixtures, WorkerFixtures>({
  path: [shopPaths[0] as ShopPath, { option: true, scope: 'worker' }],
  environment: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads the fixtures wanted from this pattern.
    async ({}, use) => {
      const environment = readEnvironment();
      if (!environment) throw new Error('The global set-up has not run.');
      await use(environment);
    },
    { scope: 'worker' },
  ],
  slice: [
    async ({ environment, path }, use) => {
      if (path.serviceShare !== null) await bringReviewsTo(requireFull(environment), path.serviceShare);
      await use(null);
    },
    { scope: 'worker', auto: true, timeout: PREPARE_TIMEOUT_MS },
  ],
  baseURL: async ({ environment, path }, use) => {
    await use(path.via === 'monolith' ? environment.monolithUrl : requireFull(environment).proxyUrl);
  },
  // eslint-disable-next-line no-empty-pattern -- as above
  person: async ({}, use) => {
    const mark = randomUUID().slice(0, 8);
    await use({ name: `Nora ${mark}`, email: `nora.${mark}@example.com`, password: 'a pass phrase' });
  },
  testerHeaders: async ({ environment }, use) => {
    const file = join(requireFull(environment).home, 'secrets', 'override.token');
    await use({ 'banyan-override-token': (await readFile(file, 'utf8')).trim() });
  },
});

export { expect };

/** Opens an account by the form, and so is signed in. */
export async function signUp(page: Page, person: Person): Promise<void> {
  await page.goto('/sign-up');
  await page.getByLabel('Your name').fill(person.name);
  await page.getByLabel('Email address').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('link', { name: `Account (${person.name})` })).toBeVisible();
}

/** Goes to a category by the navigation and opens its n-th product, from 0. Gives the product's name. */
export async function openProduct(page: Page, category: string, index: number): Promise<string> {
  await page.goto('/');
  await page.getByRole('navigation', { name: 'Departments' }).getByRole('link', { name: category }).click();
  const link = page.getByRole('main').getByRole('listitem').getByRole('link').nth(index);
  const name = (await link.textContent()) ?? '';
  await link.click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  return name;
}

/** Opens the category's first product that can be bought. Gives its name. */
export async function openInStock(page: Page, category: string): Promise<string> {
  for (let index = 0; ; index += 1) {
    const name = await openProduct(page, category, index);
    if ((await page.getByRole('button', { name: 'Add to cart' }).count()) > 0) return name;
  }
}

/** Fills the review form of the page that is open, and sends it. */
export async function writeReview(
  page: Page,
  review: { readonly stars: number; readonly title: string; readonly body: string },
): Promise<void> {
  const form = page.getByRole('region', { name: /Write a review|Your review/ });
  await form.getByRole('radio', { name: String(review.stars) }).check();
  await form.getByLabel('Title').fill(review.title);
  await form.getByLabel('What do you think?').fill(review.body);
  await form.getByRole('button', { name: /Publish review|Save changes/ }).click();
}

/** The review with that title in the list of the page that is open; the form does not count. */
export function listedReview(page: Page, title: string) {
  return page.getByRole('article').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
}

const productsSchema = z.object({
  products: z.array(z.object({ slug: z.string(), reviewCount: z.number() })),
});

/** Slugs of the products of the API's first page, the most reviewed first. */
export async function productsByReviews(request: Pick<APIRequestContext, 'get'>): Promise<readonly string[]> {
  const answer = await request.get('/api/products?perPage=100');
  const { products } = productsSchema.parse(await answer.json());
  return products.toSorted((a, b) => b.reviewCount - a.reviewCount).map(({ slug }) => slug);
}
