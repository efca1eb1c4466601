import { pino } from 'pino';
import { createShop, type Shop, type ShopOptions } from '../shop.ts';

/** A shop that serves on a free port, with three products: `chair`, `lamp` and `mug` (25 euros each, 10 pieces). */
export interface TestShop extends Shop {
  readonly url: string;
}

/** Starts a shop on an empty database, for tests. */
export async function startTestShop(
  databaseUrl: string,
  options: Partial<ShopOptions> = {},
): Promise<TestShop> {
  const shop = await createShop({
    databaseUrl,
    sessionSecret: 'only for the tests',
    logger: pino({ level: 'silent' }),
    ...options,
  });
  const { Category, Product, InventoryItem } = shop.database;
  if ((await Category.count()) === 0) {
    const category = await Category.create({
      slug: 'seating',
      name: 'Seating',
      description: '',
      sortOrder: 0,
    });
    for (const slug of ['chair', 'lamp', 'mug']) {
      const product = await Product.create({
        slug,
        name: `The ${slug}`,
        description: `A plain ${slug}.`,
        priceCents: 2_500,
        categoryId: category.id,
        imageSeed: 4,
      });
      await InventoryItem.create({ productId: product.id, quantity: 10 });
    }
  }
  const { url } = await shop.listen({ port: 0 });
  return { ...shop, url };
}

/** Sets how many pieces of a product there are, with none reserved. */
export async function setStock({ database }: Shop, slug: string, quantity: number): Promise<void> {
  const product = await database.Product.findOne({ where: { slug }, rejectOnEmpty: true });
  await database.InventoryItem.update({ quantity, reserved: 0 }, { where: { productId: product.id } });
}

/** Sets what a customer may still buy, in cents. */
export async function setCredit({ database }: Shop, email: string, cents: number): Promise<void> {
  await database.Customer.update({ creditLimitCents: cents, creditUsedCents: 0 }, { where: { email } });
}
