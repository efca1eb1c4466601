import { Router, type Request, type Response } from 'express';
import { adoptCart } from '../cart/cart-store.ts';
import type { ShopDatabase } from '../database/open-database.ts';
import { sayWhenToRetry, statusOf } from '../web/errors.ts';
import { requireInput, submitted } from '../web/input.ts';
import { endSession, renewSession, saveSession, SESSION_COOKIE } from '../web/session.ts';
import { ShopError, type FieldErrors } from '../web/shop-error.ts';
import { signIn, signInInput, signUp, signUpInput } from './accounts.ts';
import { pageNeedsCustomer, requireSignedIn, safeNext, signedIn } from './customer-session.ts';
import type { Customer } from './customer.ts';
import type { SignInThrottle } from './sign-in-throttle.ts';

/** Makes this session the customer's: a new session id, and the cart that the visitor had filled. */
async function enter(database: ShopDatabase, req: Request, customer: Customer): Promise<void> {
  const { cartId } = req.session;
  await renewSession(req);
  req.session.customerId = customer.id;
  if (cartId !== undefined) await adoptCart(database, cartId, customer.id);
  await saveSession(req);
}

/** What signing in goes by; pages and API count attempts together. */
export interface SignInShop {
  readonly database: ShopDatabase;
  readonly throttle: SignInThrottle;
}

/** @throws ShopError `invalid-input`, `wrong-credentials`, `too-many-attempts` */
function throttledSignIn({ database, throttle }: SignInShop, req: Request): Promise<Customer> {
  const input = requireInput(signInInput, req.body);
  const who = { account: input.email, address: req.ip ?? 'unknown' };
  return throttle.attempt(who, () => signIn(database, input));
}

async function leave(req: Request, res: Response): Promise<void> {
  await endSession(req);
  res.clearCookie(SESSION_COOKIE, { path: '/' });
}

interface AccountForm {
  readonly view: 'sign-in' | 'sign-up';
  readonly next: string;
  readonly values?: Readonly<Record<string, string>>;
  readonly errors?: FieldErrors;
  readonly problem?: string;
}

function renderForm(
  res: Response,
  { view, next, values = {}, errors = {}, problem = '' }: AccountForm,
): void {
  const title = view === 'sign-in' ? 'Sign in' : 'Create an account';
  res.render(view, { title, next, values, errors, problem });
}

/** Shows a refused form again, without the password. Other faults are not the form's. */
function renderRefused(res: Response, error: unknown, form: AccountForm): void {
  if (!(error instanceof ShopError)) throw error;
  const problem = error.fields ? '' : error.message;
  sayWhenToRetry(res, error);
  renderForm(res.status(statusOf(error.code)), { ...form, errors: error.fields ?? {}, problem });
}

/** Sign-up, sign-in, sign-out and account pages. */
export function customerPages(shop: SignInShop): Router {
  const { database } = shop;
  const router = Router();
  for (const view of ['sign-in', 'sign-up'] as const) {
    router.get(`/${view}`, (req, res) => {
      const next = safeNext(req.query['next']);
      if (signedIn(res)) res.redirect(303, next);
      else renderForm(res, { view, next });
    });
  }
  router.post('/sign-in', async (req, res) => {
    const values = submitted(req.body, ['email', 'next']);
    const next = safeNext(values.next);
    try {
      await enter(database, req, await throttledSignIn(shop, req));
      res.redirect(303, next);
    } catch (error) {
      renderRefused(res, error, { view: 'sign-in', next, values });
    }
  });
  router.post('/sign-up', async (req, res) => {
    const values = submitted(req.body, ['email', 'displayName', 'next']);
    const next = safeNext(values.next);
    try {
      await enter(database, req, await signUp(database, requireInput(signUpInput, req.body)));
      res.redirect(303, next);
    } catch (error) {
      renderRefused(res, error, { view: 'sign-up', next, values });
    }
  });
  router.post('/sign-out', async (req, res) => {
    await leave(req, res);
    res.redirect(303, '/');
  });
  router.get('/account', pageNeedsCustomer, async (_req, res) => {
    const { id } = requireSignedIn(res);
    const account = await database.Customer.findByPk(id, { rejectOnEmpty: true });
    res.render('account', { title: 'Your account', account });
  });
  return router;
}

const sessionJson = (customer: { id: string; displayName: string } | null) => ({
  customer: customer && { id: customer.id, displayName: customer.displayName },
});

/** `/api/session` (who am I; sign in and out) and `/api/customers` (sign up). */
export function customerApi(shop: SignInShop): Router {
  const { database } = shop;
  const router = Router();
  router.get('/session', (_req, res) => {
    res.json(sessionJson(signedIn(res)));
  });
  router.post('/session', async (req, res) => {
    const customer = await throttledSignIn(shop, req);
    await enter(database, req, customer);
    res.status(201).json(sessionJson(customer));
  });
  router.delete('/session', async (req, res) => {
    await leave(req, res);
    res.status(204).end();
  });
  router.post('/customers', async (req, res) => {
    const customer = await signUp(database, requireInput(signUpInput, req.body));
    await enter(database, req, customer);
    res.status(201).json(sessionJson(customer));
  });
  return router;
}
