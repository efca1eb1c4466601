import { ask, look, type Act } from './life.ts';
import { inventAddress } from './writing.ts';

/** Puts the product looked at last into the cart. */
export const addToCart: Act = async (life, visit) => {
  if (!visit.entered || visit.product === null) return;
  const fields = { slug: visit.product, quantity: '1' };
  const send = () => visit.session.post('/cart/items', fields);
  const page = await ask(life, { kind: 'add-to-cart', expected: [303, 409], send });
  if (page?.status === 409) life.tally.count('refusals');
};

/** Orders what lies in the cart. */
export const checkout: Act = async (life, visit) => {
  if (!visit.entered) return;
  const open = () => visit.session.get('/checkout');
  const form = await ask(life, { kind: 'checkout', expected: [200, 303], send: open });
  if (form?.status !== 200) return; // An empty cart leads back to itself.
  const address = inventAddress(life.random, life.account?.displayName ?? 'Ada Abel');
  const send = () => visit.session.post('/checkout', address);
  const page = await ask(life, { kind: 'checkout', expected: [303, 409], send });
  if (page?.status === 303) life.tally.count('ordersPlaced');
  if (page?.status === 409) {
    // Sold out, or no credit left. That cart would be refused again, so the next visit is under another name.
    life.tally.count('refusals');
    life.account = null;
  }
};

/** Looks at his orders. */
export const seeOrders: Act = async (life, visit) => {
  if (visit.entered) await look(life, visit, 'orders', '/orders');
};
