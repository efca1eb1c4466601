import { QueryTypes, type Model, type ModelStatic, type Transaction } from 'sequelize';
import { DEPARTMENTS } from '../catalog/departments.ts';
import { hashPassword } from '../customers/password.ts';
import type { ShopDatabase } from '../database/open-database.ts';
import { createRandom, type Random } from '../random.ts';
import { makeCatalog, type SeedProduct } from './make-catalog.ts';
import { makeAddress, makeCustomers, type SeedCustomer } from './make-people.ts';
import { makeReviews } from './make-reviews.ts';

/** How many of each to make. */
export interface SeedSize {
  readonly products: number;
  readonly customers: number;
  readonly reviews: number;
  readonly orders: number;
}

export const DEFAULT_SEED_SIZE: SeedSize = { products: 120, customers: 200, reviews: 2_000, orders: 300 };

/** Password of every seeded customer, for demonstrations; e.g. ann.archer@example.com. */
export const DEMO_PASSWORD = 'warm-wool-socks';

const SEED_LOCK = 7_310_002;
const SEED_NUMBER = 20_240_917;
const BATCH = 1_000;
const YEAR_MS = 365 * 86_400_000;
/** All seeded moments lie in the two years before this one, whatever today is. */
const SEED_END_MS = Date.UTC(2026, 8, 1);

interface SeedRun {
  readonly database: ShopDatabase;
  readonly size: SeedSize;
  readonly random: Random;
  readonly transaction: Transaction;
}

type Row = Record<string, string | number | Date>;

/** Stores rows in batches. @returns their ids, in order */
async function insert(
  model: ModelStatic<Model>,
  rows: readonly Row[],
  transaction: Transaction,
): Promise<string[]> {
  const ids: string[] = [];
  for (let start = 0; start < rows.length; start += BATCH) {
    const stored = await model.bulkCreate(rows.slice(start, start + BATCH), { transaction, returning: true });
    for (const row of stored) ids.push(String(row.get('id')));
  }
  return ids;
}

const moment = (random: Random, years: number): Date =>
  new Date(SEED_END_MS - Math.floor(random.next() * years * YEAR_MS));

async function seedCatalog({ database, size, random, transaction }: SeedRun) {
  const { Category, Product, InventoryItem } = database;
  const categories = DEPARTMENTS.map((department, index) => ({ ...department, sortOrder: index }));
  const categoryIds = await insert(Category, categories, transaction);
  const slugs = DEPARTMENTS.map(({ slug }) => slug);
  const products = makeCatalog(random, slugs, size.products);
  const rows = products.map(({ departmentSlug, slug, name, description, priceCents, imageSeed }) => {
    const createdAt = new Date(moment(random, 1).getTime() - YEAR_MS);
    return {
      slug,
      name,
      description,
      priceCents,
      imageSeed,
      categoryId: categoryIds[slugs.indexOf(departmentSlug)] ?? '',
      createdAt,
      updatedAt: createdAt,
    };
  });
  const productIds = await insert(Product, rows, transaction);
  const stock = products.map(({ quantity }, index) => ({
    productId: productIds[index] ?? '',
    quantity,
    reserved: 0,
  }));
  await InventoryItem.bulkCreate(stock, { transaction });
  return { products, productIds };
}

async function seedCustomers({ database, size, random, transaction }: SeedRun) {
  const salt = Buffer.from(Array.from({ length: 16 }, () => random.int(0, 255)));
  // One hash for all: the password is public anyway, and scrypt is slow on purpose.
  const passwordHash = await hashPassword(DEMO_PASSWORD, salt);
  const customers = makeCustomers(random, size.customers);
  const rows = customers.map((customer) => ({ ...customer, passwordHash, createdAt: moment(random, 2) }));
  return { customers, customerIds: await insert(database.Customer, rows, transaction) };
}

interface Ids {
  readonly productIds: readonly string[];
  readonly customerIds: readonly string[];
}

async function seedReviews(
  { database, size, random, transaction }: SeedRun,
  { products, productIds, customerIds }: Ids & { readonly products: readonly SeedProduct[] },
) {
  const { customers, reviews: count } = size;
  const rows = makeReviews(random, { sorts: products.map(({ sort }) => sort), customers, count })
    .map(({ productIndex, customerIndex, ...review }) => {
      const createdAt = moment(random, 1);
      return {
        ...review,
        productId: productIds[productIndex] ?? '',
        customerId: customerIds[customerIndex] ?? '',
        createdAt,
        updatedAt: createdAt,
      };
    })
    .sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  await insert(database.Review, rows, transaction);
}

interface Sales extends Ids {
  readonly products: readonly { readonly name: string; readonly priceCents: number }[];
  readonly customers: readonly SeedCustomer[];
}

/** Orders of the past: sent and paid for, so that they hold neither stock nor credit. */
async function seedOrders({ database, size, random, transaction }: SeedRun, sales: Sales) {
  const carts = Array.from({ length: size.orders }, () => {
    const customerIndex = random.int(0, sales.customers.length - 1);
    const lines = new Map<number, number>();
    for (let line = random.int(1, 3); line > 0; line -= 1)
      lines.set(random.int(0, sales.products.length - 1), random.int(1, 3));
    const items = [...lines].map(([index, quantity]) => ({
      productId: sales.productIds[index] ?? '',
      productName: sales.products[index]?.name ?? '',
      unitPriceCents: sales.products[index]?.priceCents ?? 0,
      quantity,
    }));
    const placedAt = moment(random, 1);
    return {
      customerIndex,
      items,
      placedAt,
      address: makeAddress(random, sales.customers[customerIndex]?.displayName ?? ''),
    };
  }).sort((a, b) => a.placedAt.getTime() - b.placedAt.getTime());
  const rows = carts.map(({ customerIndex, items, placedAt, address }) => ({
    ...address,
    customerId: sales.customerIds[customerIndex] ?? '',
    status: 'delivered',
    totalCents: items.reduce((sum, { unitPriceCents, quantity }) => sum + unitPriceCents * quantity, 0),
    placedAt,
  }));
  const orderIds = await insert(database.Order, rows, transaction);
  const items = carts.flatMap((cart, index) =>
    cart.items.map((item) => ({ ...item, orderId: orderIds[index] ?? '' })),
  );
  await insert(database.OrderItem, items, transaction);
}

/**
 * Fills an empty catalog in one transaction; of several processes at once, one does. The same size gives the
 * same rows.
 * @returns whether it did, false when there were categories already
 */
export function seedShop(database: ShopDatabase, size: SeedSize = DEFAULT_SEED_SIZE): Promise<boolean> {
  const { sequelize, Category } = database;
  return sequelize.transaction(async (transaction) => {
    await sequelize.query('SELECT pg_advisory_xact_lock(:lock)', {
      replacements: { lock: SEED_LOCK },
      type: QueryTypes.SELECT,
      transaction,
    });
    if ((await Category.count({ transaction })) > 0) return false;
    const run: SeedRun = { database, size, random: createRandom(SEED_NUMBER), transaction };
    const catalog = await seedCatalog(run);
    const people = await seedCustomers(run);
    await seedReviews(run, { ...catalog, ...people });
    await seedOrders(run, { ...catalog, ...people });
    return true;
  });
}
