/** Starts the shop: `DATABASE_URL=... node monolith/src/main.ts`. Variables: see `config.ts`. */
import { pino } from 'pino';
import { readConfig, readSessionSecret } from './config.ts';
import { errorCode } from './error-code.ts';
import { openLog } from './open-log.ts';
import { createShop } from './shop.ts';

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const logger = pino({ level: config.LOG_LEVEL }, openLog(2));
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
  const shop = await createShop({
    databaseUrl: config.DATABASE_URL,
    sessionSecret: await readSessionSecret(config),
    trustProxy: config.TRUST_PROXY,
    logger,
    seed: config.SEED
      ? {
          products: config.SEED_PRODUCTS,
          customers: config.SEED_CUSTOMERS,
          reviews: config.SEED_REVIEWS,
          orders: config.SEED_ORDERS,
        }
      : null,
  });
  try {
    if (stopping.signal.aborted) return;
    const { url } = await shop.listen({ port: config.PORT, host: config.HOST });
    console.log(`Shop: ${url}`);
    await new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  } finally {
    await shop.close();
  }
}

try {
  await main();
} catch (error) {
  // A wrong setting, a taken port, a database that is away: the message says it all. Others need their stack.
  console.error(
    errorCode(error) && error instanceof Error ? `Shop: ${error.message || errorCode(error)}` : error,
  );
  process.exitCode = 1;
}
