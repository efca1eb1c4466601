import { expect, test } from '@jest/globals';
import { looksPersonal } from './looks-personal.ts';

test.each([
  ['public.orders', 'email', true],
  ['public.orders', 'billing_address', true],
  ['public.orders', 'contactPhone', true],
  ['public.customers', 'name', true],
  ['public.customer_accounts', 'name', true],
  ['crm.orders', 'display_name', true],
  ['public.orders', 'password_hash', true],
  ['public.products', 'name', false],
  ['public.products', 'slug', false],
  ['public.products', 'ipad_model', false],
  ['public.inventory', 'quantity', false],
  ['user.products', 'name', false],
])('%s.%s: %s', (table, column, personal) => {
  expect(looksPersonal(table, column)).toBe(personal);
});
