import type { Random } from '../random.ts';
import { CITIES, FIRST_NAMES, LAST_NAMES, STREETS } from './words.ts';

export interface SeedCustomer {
  readonly email: string;
  readonly displayName: string;
  readonly creditLimitCents: number;
}

const plain = (name: string): string =>
  name
    .normalize('NFD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .toLowerCase();

/** Customers with addresses of their own; the first is always ann.archer@example.com. */
export function makeCustomers(random: Random, count: number): SeedCustomer[] {
  const seen = new Map<string, number>();
  return Array.from({ length: count }, (_, index) => {
    const first = index === 0 ? FIRST_NAMES[0] : random.pick(FIRST_NAMES);
    const last = index === 0 ? LAST_NAMES[0] : random.pick(LAST_NAMES);
    const local = `${plain(first)}.${plain(last)}`;
    const number = (seen.get(local) ?? 0) + 1;
    seen.set(local, number);
    return {
      email: `${local}${number === 1 ? '' : number}@example.com`,
      displayName: random.chance(0.6) ? `${first} ${last.charAt(0)}.` : first,
      creditLimitCents: random.int(10, 60) * 50_000,
    };
  });
}

/** An address to send an order to. */
export function makeAddress(random: Random, recipient: string) {
  const [postcode, city] = random.pick(CITIES);
  return { recipient, street: `${random.int(1, 180)} ${random.pick(STREETS)}`, postcode, city };
}
