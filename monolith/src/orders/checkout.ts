import type { Transaction } from 'sequelize';
import type { CartItem } from '../cart/cart.ts';
import type { Product } from '../catalog/product.ts';
import type { ShopDatabase } from '../database/open-database.ts';
import type { InventoryItem } from '../inventory/inventory-item.ts';
import { formatMoney } from '../web/format.ts';
import { ShopError } from '../web/shop-error.ts';
import type { Address } from './address.ts';

interface Line {
  readonly product: Product;
  readonly quantity: number;
  readonly stock: InventoryItem | undefined;
}

const cartEmpty = () => new ShopError('cart-empty', 'Your cart is empty, so there is nothing to order.');

/** Cart items with product and locked stock. Rows are locked in the order of their ids: no two checkouts deadlock. */
async function lockLines(
  { Product, InventoryItem }: ShopDatabase,
  items: readonly CartItem[],
  transaction: Transaction,
): Promise<Line[]> {
  const productId = items.map((item) => item.productId);
  const lock = transaction.LOCK.UPDATE;
  const stocks = await InventoryItem.findAll({
    where: { productId },
    order: ['productId'],
    lock,
    transaction,
  });
  const products = await Product.findAll({ where: { id: productId }, order: ['id'], transaction });
  return products.flatMap((product) => {
    const item = items.find((candidate) => candidate.productId === product.id);
    const stock = stocks.find((candidate) => candidate.productId === product.id);
    return item ? [{ product, quantity: item.quantity, stock }] : [];
  });
}

function refuseShortStock(lines: readonly Line[]): void {
  const short = lines.flatMap(({ product, quantity, stock }) => {
    const available = Math.max(0, stock?.available ?? 0);
    if (available >= quantity) return [];
    return [available === 0 ? `${product.name} is sold out` : `only ${available} of ${product.name} left`];
  });
  if (short.length === 0) return;
  const list = short.join(', ');
  throw new ShopError(
    'out-of-stock',
    `${list.charAt(0).toUpperCase()}${list.slice(1)}. Please change your cart.`,
  );
}

/**
 * Places an order for all that lies in the customer's cart, in one transaction over cart, credit, inventory,
 * orders and order items: all of it happens or none.
 * @returns the new order's id
 * @throws ShopError `cart-empty`, `out-of-stock` (all short products are named), `credit-exceeded`
 */
export function checkout(database: ShopDatabase, customerId: string, address: Address): Promise<string> {
  const { sequelize, Customer, Cart, CartItem, Order, OrderItem } = database;
  return sequelize.transaction(async (transaction) => {
    // Every checkout takes its locks in this order: 1. cart, 2. customer, 3. stock.
    // With the cart's row locked, a form sent twice finds the cart empty the second time.
    const lock = transaction.LOCK.UPDATE;
    const cart = await Cart.findOne({ where: { customerId }, lock, transaction });
    if (!cart) throw cartEmpty();
    const items = await CartItem.findAll({ where: { cartId: cart.id }, transaction });
    if (items.length === 0) throw cartEmpty();
    const customer = await Customer.findByPk(customerId, { lock, transaction, rejectOnEmpty: true });
    const lines = await lockLines(database, items, transaction);

    refuseShortStock(lines);
    const totalCents = lines.reduce((sum, { product, quantity }) => sum + product.priceCents * quantity, 0);
    const creditCents = customer.creditLimitCents - customer.creditUsedCents;
    if (totalCents > creditCents) {
      throw new ShopError(
        'credit-exceeded',
        `This order comes to ${formatMoney(totalCents)}, but you have ${formatMoney(creditCents)} of credit left.`,
      );
    }

    const order = await Order.create({ customerId, totalCents, ...address }, { transaction });
    await OrderItem.bulkCreate(
      lines.map(({ product, quantity }) => ({
        orderId: order.id,
        productId: product.id,
        productName: product.name,
        unitPriceCents: product.priceCents,
        quantity,
      })),
      { transaction },
    );
    for (const { stock, quantity } of lines) await stock?.increment({ reserved: quantity }, { transaction });
    await customer.increment({ creditUsedCents: totalCents }, { transaction });
    await CartItem.destroy({ where: { cartId: cart.id }, transaction });
    return order.id;
  });
}
