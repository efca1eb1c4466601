import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { findProduct } from '../catalog/catalog-queries.ts';
import { requireProduct } from '../catalog/catalog-routes.ts';
import { signedIn } from '../customers/customer-session.ts';
import type { ShopDatabase } from '../database/open-database.ts';
import { requireInput, wholeNumber } from '../web/input.ts';
import { saveSession } from '../web/session.ts';
import { notFound } from '../web/shop-error.ts';
import {
  addToCart,
  ensureCartId,
  findCartId,
  MAX_QUANTITY,
  readCart,
  removeFromCart,
  setQuantity,
  type CartContents,
  type CartOwner,
} from './cart-store.ts';

const quantity = wholeNumber(1, MAX_QUANTITY, `Choose from 1 to ${MAX_QUANTITY}.`);
const quantityInput = z.object({ quantity: quantity.default(1) });
const addInput = quantityInput.extend({
  slug: z.string('Name a product.').regex(/^[a-z0-9-]{1,120}$/, 'There is no such product.'),
});

/** Whose cart this request is about. */
export function cartOwner(req: Request, res: Response): CartOwner {
  return { customerId: signedIn(res)?.id ?? null, cartId: req.session.cartId };
}

/** The contents of this request's cart; empty when there is none. */
export async function currentCart(
  database: ShopDatabase,
  req: Request,
  res: Response,
): Promise<CartContents> {
  return readCart(database, await findCartId(database, cartOwner(req, res)));
}

async function add(database: ShopDatabase, req: Request, res: Response): Promise<void> {
  const input = requireInput(addInput, req.body);
  const product = await findProduct(database, input.slug);
  if (!product) throw notFound('product');
  const owner = cartOwner(req, res);
  const cartId = await ensureCartId(database, owner);
  await addToCart(database, { cartId, productId: product.id, quantity: input.quantity });
  if (owner.customerId === null && req.session.cartId !== cartId) {
    req.session.cartId = cartId;
    await saveSession(req);
  }
}

async function update(database: ShopDatabase, req: Request, res: Response): Promise<void> {
  const input = requireInput(quantityInput, req.body);
  const product = await requireProduct(database, req);
  const cartId = await findCartId(database, cartOwner(req, res));
  if (cartId !== null)
    await setQuantity(database, { cartId, productId: product.id, quantity: input.quantity });
}

async function remove(database: ShopDatabase, req: Request, res: Response): Promise<void> {
  const product = await requireProduct(database, req);
  const cartId = await findCartId(database, cartOwner(req, res));
  if (cartId !== null) await removeFromCart(database, { cartId, productId: product.id });
}

/** The cart page and its forms. */
export function cartPages(database: ShopDatabase): Router {
  const router = Router();
  router.get('/cart', async (req, res) => {
    res.render('cart', {
      title: 'Your cart',
      cart: await currentCart(database, req, res),
      maxQuantity: MAX_QUANTITY,
    });
  });
  router.post('/cart/items', async (req, res) => {
    await add(database, req, res);
    res.redirect(303, '/cart');
  });
  router.post('/cart/items/:slug/update', async (req, res) => {
    await update(database, req, res);
    res.redirect(303, '/cart');
  });
  router.post('/cart/items/:slug/remove', async (req, res) => {
    await remove(database, req, res);
    res.redirect(303, '/cart');
  });
  return router;
}

const cartJson = ({ lines, totalCents }: CartContents) => ({
  cart: {
    items: lines.map(({ slug, name, quantity: pieces, unitPriceCents, lineCents }) => ({
      slug,
      name,
      quantity: pieces,
      unitPriceCents,
      lineCents,
    })),
    totalCents,
  },
});

/** `/api/cart`: every answer holds the whole cart. */
export function cartApi(database: ShopDatabase): Router {
  const router = Router();
  const answer = async (req: Request, res: Response) => {
    res.json(cartJson(await currentCart(database, req, res)));
  };
  router.get('/cart', answer);
  router.post('/cart/items', async (req, res) => {
    await add(database, req, res);
    await answer(req, res.status(201));
  });
  router.put('/cart/items/:slug', async (req, res) => {
    await update(database, req, res);
    await answer(req, res);
  });
  router.delete('/cart/items/:slug', async (req, res) => {
    await remove(database, req, res);
    await answer(req, res);
  });
  return router;
}
