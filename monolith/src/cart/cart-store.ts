import { QueryTypes, type Transaction } from 'sequelize';
import type { ShopDatabase } from '../database/open-database.ts';
import { describeAvailability, type Availability } from '../inventory/availability.ts';
import { ShopError } from '../web/shop-error.ts';

/** Most pieces of one product in a cart. */
export const MAX_QUANTITY = 20;

/** Whose cart: a customer's, or the one that a visitor's session knows. */
export interface CartOwner {
  readonly customerId: string | null;
  readonly cartId: string | undefined;
}

/** A line of a cart with today's price and stock. */
export interface CartLine {
  readonly productId: string;
  readonly slug: string;
  readonly name: string;
  readonly unitPriceCents: number;
  readonly quantity: number;
  readonly lineCents: number;
  readonly availability: Availability;
}

export interface CartContents {
  readonly lines: readonly CartLine[];
  readonly totalCents: number;
}

/** Id of the owner's cart, or null when there is none yet. */
export async function findCartId(
  { Cart }: ShopDatabase,
  { customerId, cartId }: CartOwner,
): Promise<string | null> {
  if (customerId !== null) return (await Cart.findOne({ where: { customerId } }))?.id ?? null;
  if (cartId === undefined) return null;
  return (await Cart.findOne({ where: { id: cartId, customerId: null } }))?.id ?? null;
}

async function ensureCustomerCart(
  { sequelize }: ShopDatabase,
  customerId: string,
  transaction: Transaction | null = null,
): Promise<string> {
  // The update does nothing but make an existing row come back, also when two requests race here.
  const rows = await sequelize.query<{ id: string }>(
    `INSERT INTO carts (customer_id) VALUES (:customerId)
     ON CONFLICT (customer_id) DO UPDATE SET customer_id = excluded.customer_id RETURNING id`,
    { replacements: { customerId }, type: QueryTypes.SELECT, transaction },
  );
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('The cart was neither found nor made.');
  return id;
}

/** Id of the owner's cart, made when there is none yet. The caller keeps a visitor's in his session. */
export async function ensureCartId(database: ShopDatabase, owner: CartOwner): Promise<string> {
  if (owner.customerId !== null) return ensureCustomerCart(database, owner.customerId);
  return (await findCartId(database, owner)) ?? (await database.Cart.create({ customerId: null })).id;
}

/** The lines of a cart in the order in which they were added; nothing for null. */
export async function readCart(
  { CartItem, Product, InventoryItem }: ShopDatabase,
  cartId: string | null,
): Promise<CartContents> {
  const items =
    cartId === null
      ? []
      : await CartItem.findAll({
          where: { cartId },
          include: [
            {
              model: Product,
              as: 'product',
              required: true,
              include: [{ model: InventoryItem, as: 'inventory' }],
            },
          ],
          order: [
            ['addedAt', 'ASC'],
            ['productId', 'ASC'],
          ],
        });
  const lines = items.flatMap(({ product, productId, quantity }): CartLine[] => {
    if (!product) return [];
    const { slug, name, priceCents } = product;
    const availability = describeAvailability(product.inventory?.available ?? 0);
    const lineCents = priceCents * quantity;
    return [{ productId, slug, name, unitPriceCents: priceCents, quantity, lineCents, availability }];
  });
  return { lines, totalCents: lines.reduce((sum, { lineCents }) => sum + lineCents, 0) };
}

interface CartChange {
  readonly cartId: string;
  readonly productId: string;
  /** 1 to 20 pieces. */
  readonly quantity: number;
}

/** Puts more of a product into a cart, up to 20 pieces. @throws ShopError `out-of-stock` when sold out */
export async function addToCart(
  { sequelize, InventoryItem }: ShopDatabase,
  { cartId, productId, quantity }: CartChange,
): Promise<void> {
  const stock = await InventoryItem.findByPk(productId);
  if (!stock || stock.available < 1) throw new ShopError('out-of-stock', 'This product is sold out.');
  await sequelize.query(
    `INSERT INTO cart_items (cart_id, product_id, quantity) VALUES (:cartId, :productId, :quantity)
     ON CONFLICT (cart_id, product_id)
     DO UPDATE SET quantity = least(:max, cart_items.quantity + excluded.quantity)`,
    { replacements: { cartId, productId, quantity, max: MAX_QUANTITY }, type: QueryTypes.INSERT },
  );
}

/** Sets how many of a product lie in a cart; nothing happens when none does. */
export async function setQuantity(
  { CartItem }: ShopDatabase,
  { cartId, productId, quantity }: CartChange,
): Promise<void> {
  await CartItem.update({ quantity }, { where: { cartId, productId } });
}

/** Takes a product out of a cart. */
export async function removeFromCart(
  { CartItem }: ShopDatabase,
  { cartId, productId }: Omit<CartChange, 'quantity'>,
): Promise<void> {
  await CartItem.destroy({ where: { cartId, productId } });
}

/** At sign-in: what the visitor had chosen goes into the customer's cart, and the visitor's cart goes. */
export async function adoptCart(database: ShopDatabase, cartId: string, customerId: string): Promise<void> {
  const { sequelize, Cart } = database;
  await sequelize.transaction(async (transaction) => {
    // Locked, so that two sign-ins at once do not add the same things twice.
    const lock = transaction.LOCK.UPDATE;
    const visitors = await Cart.findOne({ where: { id: cartId, customerId: null }, lock, transaction });
    if (!visitors) return;
    const own = await ensureCustomerCart(database, customerId, transaction);
    await sequelize.query(
      `INSERT INTO cart_items (cart_id, product_id, quantity, added_at)
       SELECT :own, product_id, quantity, added_at FROM cart_items WHERE cart_id = :cartId
       ON CONFLICT (cart_id, product_id)
       DO UPDATE SET quantity = least(:max, cart_items.quantity + excluded.quantity)`,
      { replacements: { own, cartId, max: MAX_QUANTITY }, type: QueryTypes.INSERT, transaction },
    );
    await visitors.destroy({ transaction });
  });
}
