import { UniqueConstraintError } from 'sequelize';
import { z } from 'zod';
import type { ShopDatabase } from '../database/open-database.ts';
import { text } from '../web/input.ts';
import { ShopError } from '../web/shop-error.ts';
import type { Customer } from './customer.ts';
import { hashPassword, verifyPassword } from './password.ts';

/** Credit of a new customer: €5,000. */
export const NEW_CREDIT_LIMIT_CENTS = 500_000;
const MIN_PASSWORD = 10;
const MAX_PASSWORD = 200;

const email = z
  .string('Give your email address.')
  .transform((value) => value.trim().toLowerCase())
  .pipe(z.email('Give an email address such as ann@example.com.').max(254, 'This address is too long.'));

/** What the sign-up form holds. */
export const signUpInput = z.object({
  displayName: text({ missing: 'Tell us what to call you.', max: 60 }).refine(
    (value) => !value.includes('\n'),
    'Use a single line.',
  ),
  email,
  password: z
    .string('Choose a password.')
    .min(MIN_PASSWORD, `Use at least ${MIN_PASSWORD} characters.`)
    .max(MAX_PASSWORD, `Use at most ${MAX_PASSWORD} characters.`),
});

/** What the sign-in form holds. */
export const signInInput = z.object({
  email,
  password: z
    .string('Give your password.')
    .min(1, 'Give your password.')
    .max(MAX_PASSWORD, 'This is too long.'),
});

/** Opens an account. @throws ShopError `email-taken` */
export async function signUp(
  { Customer }: ShopDatabase,
  { displayName, email: address, password }: z.output<typeof signUpInput>,
): Promise<Customer> {
  const passwordHash = await hashPassword(password);
  try {
    return await Customer.create({
      displayName,
      email: address,
      passwordHash,
      creditLimitCents: NEW_CREDIT_LIMIT_CENTS,
    });
  } catch (error) {
    if (!(error instanceof UniqueConstraintError)) throw error;
    const message = 'There is an account with this address already.';
    throw new ShopError('email-taken', message, { email: message });
  }
}

/** The customer with that address and password. @throws ShopError `wrong-credentials` */
export async function signIn(
  { Customer }: ShopDatabase,
  { email: address, password }: z.output<typeof signInInput>,
): Promise<Customer> {
  const customer = await Customer.findOne({ where: { email: address } });
  const fits = await verifyPassword(password, customer?.passwordHash);
  if (!customer || !fits) {
    throw new ShopError('wrong-credentials', 'This email address and password do not belong together.');
  }
  return customer;
}
