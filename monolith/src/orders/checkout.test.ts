import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import { setCredit, setStock, startTestShop, type TestShop } from '../testing/test-shop.ts';
import { createCustomer, createVisitor } from '../testing/visitor.ts';

const address = { recipient: 'Ann', street: '1 Mill Lane', postcode: 'D02', city: 'Dublin' };
let testDatabase: TestDatabase;
let shop: TestShop;

beforeAll(async () => {
  testDatabase = await createTestDatabase('checkout');
  shop = await startTestShop(testDatabase.url);
});
beforeEach(async () => {
  await shop.database.OrderItem.destroy({ where: {} });
  await shop.database.Order.destroy({ where: {} });
  for (const slug of ['chair', 'lamp', 'mug']) await setStock(shop, slug, 10);
});
afterAll(async () => {
  await shop.close();
  await testDatabase.drop();
});

async function buyerOf(slug: string, quantity = 1) {
  const buyer = await createCustomer(shop.url);
  const reply = await buyer.post('/cart/items', { slug, quantity: String(quantity) });
  expect(reply.status).toBe(303);
  return buyer;
}

async function reservedOf(slug: string): Promise<number> {
  const product = await shop.database.Product.findOne({ where: { slug }, rejectOnEmpty: true });
  return (await shop.database.InventoryItem.findByPk(product.id, { rejectOnEmpty: true })).reserved;
}

async function creditUsed(email: string): Promise<number> {
  return (await shop.database.Customer.findOne({ where: { email }, rejectOnEmpty: true })).creditUsedCents;
}

const anOrder = (overrides: object) => expect.objectContaining({ status: 'placed', ...overrides }) as unknown;

describe('checkout', () => {
  test('places the order, reserves the stock, charges the credit and empties the cart', async () => {
    const buyer = await buyerOf('chair', 2);
    await buyer.post('/cart/items', { slug: 'lamp', quantity: '1' });
    const reply = await buyer.post('/checkout', address);
    expect(reply.status).toBe(303);
    expect(reply.location).toMatch(/^\/orders\/\d+$/);
    expect((await buyer.get(reply.location)).text).toContain('The chair');
    expect((await buyer.get('/orders')).text).toContain('2 × The chair, 1 × The lamp');
    expect((await buyer.get('/api/orders')).json()).toEqual({
      orders: [
        anOrder({
          totalCents: 7_500,
          shipTo: address,
          items: [
            { name: 'The chair', unitPriceCents: 2_500, quantity: 2 },
            { name: 'The lamp', unitPriceCents: 2_500, quantity: 1 },
          ],
        }),
      ],
    });
    expect([await reservedOf('chair'), await reservedOf('lamp')]).toEqual([2, 1]);
    expect(await creditUsed(buyer.email)).toBe(7_500);
    expect((await buyer.get('/api/cart')).json()).toEqual({ cart: { items: [], totalCents: 0 } });
  });

  test('refuses short stock by name and leaves everything as it was', async () => {
    const buyer = await buyerOf('chair', 3);
    await buyer.post('/cart/items', { slug: 'lamp', quantity: '1' });
    await setStock(shop, 'chair', 2);
    const reply = await buyer.post('/checkout', address);
    expect(reply.status).toBe(409);
    expect(reply.text).toContain('Only 2 of The chair left.');
    expect([await reservedOf('chair'), await reservedOf('lamp')]).toEqual([0, 0]);
    expect(await creditUsed(buyer.email)).toBe(0);
    expect(await shop.database.Order.count()).toBe(0);
    expect((await buyer.get('/api/cart')).json()).toMatchObject({ cart: { totalCents: 10_000 } });
  });

  test('refuses an order beyond the credit and says how much is left', async () => {
    const buyer = await buyerOf('chair', 2);
    await setCredit(shop, buyer.email, 4_999);
    const reply = await buyer.send('POST', '/api/orders', address);
    expect(reply.status).toBe(409);
    expect(reply.json()).toEqual({
      error: {
        code: 'credit-exceeded',
        message: 'This order comes to €50.00, but you have €49.99 of credit left.',
      },
    });
    expect(await reservedOf('chair')).toBe(0);
    await setCredit(shop, buyer.email, 5_000);
    expect((await buyer.send('POST', '/api/orders', address)).status).toBe(201);
  });

  test('sells the last piece once to customers who check out at the same moment', async () => {
    await setStock(shop, 'mug', 1);
    const buyers = await Promise.all(Array.from({ length: 6 }, () => buyerOf('mug')));
    const replies = await Promise.all(buyers.map((buyer) => buyer.post('/checkout', address)));
    expect(replies.map(({ status }) => status).sort()).toEqual([303, 409, 409, 409, 409, 409]);
    expect(await reservedOf('mug')).toBe(1);
    expect(await shop.database.Order.count()).toBe(1);
  });

  test('orders a cart once when its form is sent twice at the same moment', async () => {
    const buyer = await buyerOf('chair');
    const replies = await Promise.all([1, 2, 3].map(() => buyer.send('POST', '/api/orders', address)));
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(await creditUsed(buyer.email)).toBe(2_500);
  });

  test('spends the last credit once when cart and checkout race', async () => {
    const buyer = await buyerOf('chair');
    await setCredit(shop, buyer.email, 4_000);
    const again = async () => {
      await buyer.send('POST', '/api/cart/items', { slug: 'lamp' });
      return (await buyer.send('POST', '/api/orders', address)).status;
    };
    await Promise.all([again(), again(), again(), again()]);
    const used = await creditUsed(buyer.email);
    const total = (await shop.database.Order.sum('totalCents')) || 0;
    expect(used).toBe(total);
    expect(used).toBeLessThanOrEqual(4_000);
  });

  test('does not deadlock when carts hold the same products in another order', async () => {
    const first = await buyerOf('chair');
    await first.post('/cart/items', { slug: 'mug' });
    const second = await buyerOf('mug');
    await second.post('/cart/items', { slug: 'chair' });
    const replies = await Promise.all([first.post('/checkout', address), second.post('/checkout', address)]);
    expect(replies.map(({ status }) => status)).toEqual([303, 303]);
  });

  test('asks for the whole address at once', async () => {
    const buyer = await buyerOf('chair');
    const reply = await buyer.post('/checkout', { recipient: ' ' });
    expect(reply.status).toBe(422);
    for (const field of ['recipient', 'street', 'postcode', 'city'])
      expect(reply.text).toContain(`id="${field}-error"`);
  });

  test('shows an order to nobody else, and sends visitors to sign in', async () => {
    const buyer = await buyerOf('chair');
    const { location } = await buyer.post('/checkout', address);
    const stranger = await createCustomer(shop.url);
    expect((await stranger.get(location)).status).toBe(404);
    expect((await createVisitor(shop.url).get('/checkout')).location).toBe('/sign-in?next=%2Fcheckout');
  });

  test('takes a visitor’s cart along when he signs in', async () => {
    const owner = await buyerOf('lamp', 2);
    const visitor = createVisitor(shop.url);
    await visitor.post('/cart/items', { slug: 'lamp', quantity: '3' });
    await visitor.post('/cart/items', { slug: 'mug', quantity: '1' });
    await visitor.post('/sign-in', { email: owner.email, password: 'a long password' });
    expect((await visitor.get('/api/cart')).json()).toMatchObject({
      cart: {
        items: [
          { slug: 'lamp', quantity: 5 },
          { slug: 'mug', quantity: 1 },
        ],
      },
    });
  });

  test('changes and removes what lies in a cart', async () => {
    const buyer = await buyerOf('chair');
    await buyer.post('/cart/items/chair/update', { quantity: '4' });
    expect((await buyer.get('/cart')).text).toContain('€100.00');
    expect((await buyer.post('/cart/items/chair/update', { quantity: '0' })).status).toBe(422);
    await buyer.post('/cart/items/chair/remove');
    expect((await buyer.get('/cart')).text).toContain('There is nothing in it yet.');
  });

  test('does not sell what is sold out', async () => {
    await setStock(shop, 'chair', 0);
    const buyer = await createCustomer(shop.url);
    expect((await buyer.post('/cart/items', { slug: 'chair' })).status).toBe(409);
    expect((await buyer.get('/products/chair')).text).not.toContain('Add to cart');
  });
});
