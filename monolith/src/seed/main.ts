/** Fills the shop of `DATABASE_URL` with demo data: `node monolith/src/seed/main.ts --help`. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { migrate } from '../database/migrate.ts';
import { openDatabase } from '../database/open-database.ts';
import { errorCode } from '../error-code.ts';
import { DEFAULT_SEED_SIZE, DEMO_PASSWORD, seedShop } from './seed-shop.ts';

const USAGE = `usage: DATABASE_URL=postgres://... node monolith/src/seed/main.ts [OPTION...]

Brings the schema up to date and fills an empty catalog. The same numbers give the same data.

  --products N    products to make, 1 to 1000 (default ${DEFAULT_SEED_SIZE.products})
  --customers N   customers to make, 1 to 100000 (default ${DEFAULT_SEED_SIZE.customers})
  --reviews N     reviews to make, at most products x customers (default ${DEFAULT_SEED_SIZE.reviews})
  --orders N      orders of the past to make (default ${DEFAULT_SEED_SIZE.orders})
  --help          this text

Every customer made can sign in with the password "${DEMO_PASSWORD}", e.g. ann.archer@example.com.`;

const number = (name: string, min: number, max: number) =>
  z.coerce
    .number(`--${name} takes a number.`)
    .pipe(
      z
        .int(`--${name} takes a whole number.`)
        .min(min, `--${name}: at least ${min}.`)
        .max(max, `--${name}: at most ${max}.`),
    );
const size = z
  .object({
    products: number('products', 1, 1_000).default(DEFAULT_SEED_SIZE.products),
    customers: number('customers', 1, 100_000).default(DEFAULT_SEED_SIZE.customers),
    reviews: number('reviews', 0, 1_000_000).default(DEFAULT_SEED_SIZE.reviews),
    orders: number('orders', 0, 1_000_000).default(DEFAULT_SEED_SIZE.orders),
  })
  .refine(
    ({ products, customers, reviews }) => reviews <= products * customers,
    '--reviews: at most products x customers, as a customer reviews a product once.',
  );

function fail(message: string): void {
  console.error(`${message}\n\n${USAGE}`);
  process.exitCode = 2;
}

function readArguments() {
  const option = { type: 'string' } as const;
  const options = {
    products: option,
    customers: option,
    reviews: option,
    orders: option,
    help: { type: 'boolean' },
  } as const;
  return parseArgs({ options }).values;
}

async function run(asked: z.output<typeof size>, databaseUrl: string): Promise<void> {
  await migrate(databaseUrl);
  const database = openDatabase(databaseUrl);
  try {
    const done = await seedShop(database, asked);
    const { products, customers, reviews, orders } = asked;
    console.log(
      done
        ? `Made ${products} products, ${customers} customers, ${reviews} reviews and ${orders} orders.`
        : 'The catalog is not empty, so nothing was made.',
    );
  } finally {
    await database.sequelize.close();
  }
}

async function main(): Promise<void> {
  const { help, ...given } = readArguments();
  if (help) {
    console.log(USAGE);
    return;
  }
  const asked = size.safeParse(given);
  const databaseUrl = process.env['DATABASE_URL'];
  if (!asked.success) fail(asked.error.issues.map(({ message }) => message).join('\n'));
  else if (!databaseUrl) fail('DATABASE_URL is not set.');
  else await run(asked.data, databaseUrl);
}

try {
  await main();
} catch (error) {
  if (error instanceof Error && errorCode(error).startsWith('ERR_PARSE_ARGS')) fail(error.message);
  else throw error;
}
