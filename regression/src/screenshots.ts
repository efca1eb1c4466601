/** Pictures of a running shop: `node regression/src/screenshots.ts --url URL --out docs/images`. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import { z } from 'zod';
import { findBrowser } from './browser/find-browser.ts';

const SIZE = { width: 1000, height: 700 };

const options = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'give --url, an address such as http://127.0.0.1:8080' }),
  out: z.string('give --out, a folder').min(1),
});

const productList = z.object({
  products: z.array(z.object({ slug: z.string(), reviewCount: z.number() })).min(1),
});

async function mostReviewedProduct(page: Page): Promise<string> {
  const answer = await page.request.get('/api/products?perPage=100');
  const { products } = productList.parse(await answer.json());
  return products.toSorted((a, b) => b.reviewCount - a.reviewCount)[0]?.slug ?? '';
}

async function takePictures({ url, out }: z.output<typeof options>): Promise<void> {
  const { executablePath, args, env } = await findBrowser();
  const browser = await chromium.launch({ executablePath, args: [...args], env: { ...process.env, ...env } });
  try {
    const page = await browser.newPage({ baseURL: url, viewport: SIZE, locale: 'en-IE', timezoneId: 'UTC' });
    const slug = await mostReviewedProduct(page);
    const pictures = { home: '/', product: `/products/${slug}`, reviews: `/products/${slug}/reviews` };
    await mkdir(out, { recursive: true });
    for (const [name, path] of Object.entries(pictures)) {
      await page.goto(path, { waitUntil: 'networkidle' });
      const file = join(out, `shop-${name}.png`);
      await page.screenshot({ path: file });
      console.log(file);
    }
  } finally {
    await browser.close();
  }
}

const { values } = parseArgs({ options: { url: { type: 'string' }, out: { type: 'string' } } });
const checked = options.safeParse(values);
if (checked.success) {
  await takePictures(checked.data);
} else {
  console.error(checked.error.issues.map(({ message }) => message).join('\n'));
  process.exitCode = 2;
}
