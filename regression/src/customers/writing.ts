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
const OPINIONS: Readonly<Record<number, readonly [title: string, body: string]>> = {
  1: ['Went back after a day', 'It wobbles, and one corner was chipped when I unpacked it.'],
  2: ['Expected more', 'Looks better in the picture than in the room. The finish is uneven.'],
  3: ['Does what it should', 'Nothing special, nothing wrong. Delivery took a while.'],
  4: ['Very pleased', 'Well made and easy to live with. A little heavier than I thought.'],
  5: ['Would buy it again', 'Even better than hoped. Everyone who visits asks where it is from.'],
};

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

/** Fields of the review form. @param mark stands in the title, so that this review can be told from all others. */
export function inventReview(random: Random, mark: string): { rating: string; title: string; body: string } {
  const rating = random.pick([1, 2, 3, 4, 4, 5, 5, 5]);
  const [title, body] = OPINIONS[rating] ?? ['Fine', 'It is fine.'];
  return { rating: String(rating), title: `${title} (${mark})`, body };
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
