import type { Row } from '@banyan/contracts';

/** A product of the shop, with columns that the service does not take. */
export const product = (id: number, slug: string): Row => ({
  id,
  slug,
  name: `Product ${id}`,
  description: 'Long.',
  price_cents: 4900,
  category_id: 1,
  image_seed: 1,
  created_at: '2026-01-01T00:00:00.000000Z',
  updated_at: '2026-01-01T00:00:00.000000Z',
});

/** A customer of the shop, personal columns included. */
export const customer = (id: number, name: string): Row => ({
  id,
  email: `customer-${id}@example.com`,
  display_name: name,
  password_hash: 'scrypt$secret',
  credit_limit_cents: 100_000,
  credit_used_cents: 0,
  created_at: '2026-01-01T00:00:00.000000Z',
});

/** A published review of four stars. */
export const review = (id: number | bigint, given: Row = {}): Row => ({
  id,
  product_id: 1,
  customer_id: 1,
  rating: 4,
  title: `Title ${id}`,
  body: 'Well made.',
  status: 'published',
  helpful_count: 0,
  created_at: '2026-01-02T03:04:05.678901Z',
  updated_at: '2026-01-02T03:04:05.678901Z',
  ...given,
});
