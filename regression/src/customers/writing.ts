import { inventOpinion } from './opinions.ts';
import type { Random } from './random.ts';

const FIRST_NAMES = [
  'Ada',
  'Bram',
  'Cleo',
  'Dario',
  'Elif',
  'Finn',
  'Greta',
  'Hana',
  'Ivo',
  'Juno',
  'Kofi',
  'Lena',
];
const LAST_NAMES = ['Abel', 'Brandt', 'Costa', 'Dahl', 'Eder', 'Fontaine', 'Grau', 'Holm', 'Ito', 'Jansen'];
const STREETS = ['Mill Lane', 'Harbour Street', 'Orchard Road', 'Station Square', 'Chapel Hill'];
const CITIES = ['Utrecht', 'Ghent', 'Cork', 'Aarhus', 'Bremen', 'Lyon'];

/** Somebody with an account. */
export interface Account {
  readonly displayName: string;
  readonly email: string;
  readonly password: string;
}

/** @param mark makes the address one of a kind: letters, digits and `-`. */
export function inventAccount(random: Random, mark: string): Account {
  const displayName = `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`;
  const email = `${displayName.toLowerCase().replace(' ', '.')}.${mark}@example.com`;
  return { displayName, email, password: `not a secret ${mark}` };
}

/** Fields of the review form, for the product at this address. */
export function inventReview(random: Random, slug: string): { rating: string; title: string; body: string } {
  const rating = random.pick([1, 2, 3, 4, 4, 5, 5, 5]);
  return { rating: String(rating), ...inventOpinion(random, rating, slug) };
}

/** Fields of the checkout form. */
export function inventAddress(random: Random, recipient: string): Record<string, string> {
  return {
    recipient,
    street: `${random.pick(STREETS)} ${random.between(1, 90)}`,
    postcode: String(random.between(1000, 9999)),
    city: random.pick(CITIES),
  };
}
