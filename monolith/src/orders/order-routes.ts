import { Router, type Request, type Response } from 'express';
import { currentCart } from '../cart/cart-routes.ts';
import { pageNeedsCustomer, requireSignedIn } from '../customers/customer-session.ts';
import type { ShopDatabase } from '../database/open-database.ts';
import { statusOf } from '../web/errors.ts';
import { parseInput, requireInput, submitted } from '../web/input.ts';
import { notFound, ShopError, type FieldErrors } from '../web/shop-error.ts';
import { ADDRESS_FIELDS, addressInput, type Address } from './address.ts';
import { checkout } from './checkout.ts';
import type { Order } from './order.ts';

/** Orders that a list shows, newest first. */
const LIST_LIMIT = 100;

function listOrders({ Order, OrderItem }: ShopDatabase, customerId: string): Promise<Order[]> {
  return Order.findAll({
    where: { customerId },
    include: [{ model: OrderItem, as: 'items', separate: true, order: ['id'] }],
    order: [
      ['placedAt', 'DESC'],
      ['id', 'DESC'],
    ],
    limit: LIST_LIMIT,
  });
}

/** One of the customer's own orders; another's is "not found" too. @throws ShopError `not-found` */
async function requireOrder(
  { Order, OrderItem, Product }: ShopDatabase,
  req: Request,
  res: Response,
): Promise<Order> {
  const id = req.params['id'];
  if (typeof id !== 'string' || !/^[1-9]\d{0,17}$/.test(id)) throw notFound('order');
  const order = await Order.findOne({
    where: { id, customerId: requireSignedIn(res).id },
    include: [{ model: OrderItem, as: 'items', include: [{ model: Product, as: 'product' }] }],
    order: [[{ model: OrderItem, as: 'items' }, 'id', 'ASC']],
  });
  if (!order) throw notFound('order');
  return order;
}

interface CheckoutPage {
  readonly values: Address;
  readonly errors: FieldErrors;
  /** Why the order was refused; '' when it was not. */
  readonly problem: string;
}

async function renderCheckout(
  database: ShopDatabase,
  { req, res, page }: { req: Request; res: Response; page: CheckoutPage },
): Promise<void> {
  const { Customer } = database;
  const customer = await Customer.findByPk(requireSignedIn(res).id, { rejectOnEmpty: true });
  const creditCents = customer.creditLimitCents - customer.creditUsedCents;
  const cart = await currentCart(database, req, res);
  res.render('checkout', { title: 'Checkout', cart, creditCents, ...page });
}

/** Checkout and order pages. */
export function orderPages(database: ShopDatabase): Router {
  const router = Router();
  router.get('/checkout', pageNeedsCustomer, async (req, res) => {
    const { displayName } = requireSignedIn(res);
    const cart = await currentCart(database, req, res);
    if (cart.lines.length === 0) {
      res.redirect(303, '/cart');
      return;
    }
    const values = { recipient: displayName, street: '', postcode: '', city: '' };
    await renderCheckout(database, { req, res, page: { values, errors: {}, problem: '' } });
  });
  router.post('/checkout', pageNeedsCustomer, async (req, res) => {
    const customer = requireSignedIn(res);
    const values = submitted(req.body, ADDRESS_FIELDS);
    const parsed = parseInput(addressInput, req.body);
    if ('errors' in parsed) {
      res.status(422);
      await renderCheckout(database, { req, res, page: { values, errors: parsed.errors, problem: '' } });
      return;
    }
    try {
      const orderId = await checkout(database, customer.id, parsed.value);
      res.redirect(303, `/orders/${orderId}`);
    } catch (error) {
      if (!(error instanceof ShopError)) throw error;
      res.status(statusOf(error.code));
      await renderCheckout(database, { req, res, page: { values, errors: {}, problem: error.message } });
    }
  });
  router.get('/orders', pageNeedsCustomer, async (_req, res) => {
    const orders = await listOrders(database, requireSignedIn(res).id);
    res.render('orders', { title: 'Your orders', orders });
  });
  router.get('/orders/:id', pageNeedsCustomer, async (req, res) => {
    const order = await requireOrder(database, req, res);
    res.render('order', { title: `Order ${order.id}`, order });
  });
  return router;
}

const orderJson = (order: Order) => ({
  id: order.id,
  status: order.status,
  totalCents: order.totalCents,
  placedAt: order.placedAt.toISOString(),
  shipTo: { recipient: order.recipient, street: order.street, postcode: order.postcode, city: order.city },
  items: (order.items ?? []).map(({ productName, unitPriceCents, quantity }) => ({
    name: productName,
    unitPriceCents,
    quantity,
  })),
});

/** `/api/orders`: POST is the checkout, with the address as its body. */
export function orderApi(database: ShopDatabase): Router {
  const router = Router();
  router.get('/orders', async (_req, res) => {
    const orders = await listOrders(database, requireSignedIn(res).id);
    res.json({ orders: orders.map(orderJson) });
  });
  router.post('/orders', async (req, res) => {
    const customer = requireSignedIn(res);
    const id = await checkout(database, customer.id, requireInput(addressInput, req.body));
    res.status(201).json({ order: { id } });
  });
  router.get('/orders/:id', async (req, res) => {
    res.json({ order: orderJson(await requireOrder(database, req, res)) });
  });
  return router;
}
