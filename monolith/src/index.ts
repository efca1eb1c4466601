export { createShop } from './shop.ts';
export type { Shop, ShopOptions } from './shop.ts';
export { migrate } from './database/migrate.ts';
export { openDatabase } from './database/open-database.ts';
export type { ShopDatabase } from './database/open-database.ts';
export { DEFAULT_SEED_SIZE, DEMO_PASSWORD, seedShop } from './seed/seed-shop.ts';
export type { SeedSize } from './seed/seed-shop.ts';
