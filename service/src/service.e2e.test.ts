import { migrationSource } from '../../migrations/monolith/index.ts';
import { stockService } from '../fixtures/stock/stock-service.ts';
import { serviceContract } from './testing/index.ts';

serviceContract({
  service: stockService,
  main: new URL('../fixtures/stock/main.ts', import.meta.url),
  monolith: migrationSource,
  rows: {
    'public.products': (n) => ({ id: n, slug: `p-${n}`, name: `Product ${n}` }),
    'public.inventory': (n) => ({ product_id: n, quantity: n, reserved: 0 }),
  },
  requests: [
    'GET /api/products/p-1/stock 200',
    'GET /api/products/none/stock 404',
    'POST /api/products/p-1/stock 409',
    'GET /v1/stock?page=2&perPage=7 200',
    'GET /v1/stock?page=0 422',
  ],
});
