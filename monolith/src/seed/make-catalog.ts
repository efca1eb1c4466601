import { FORMS } from '../catalog/picture-forms.ts';
import type { Random } from '../random.ts';
import type { ProductSort } from './review-words.ts';
import { CLOSINGS, CLOSINGS_OF, MATERIALS, OPENINGS, PRICES_CENTS, SERIES } from './words.ts';

/** A product to be stored, still without the id of its category. */
export interface SeedProduct {
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  readonly priceCents: number;
  readonly departmentSlug: string;
  readonly sort: ProductSort;
  readonly imageSeed: number;
  /** Pieces in the warehouse. */
  readonly quantity: number;
}

const slugOf = (name: string): string =>
  name
    .normalize('NFD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-');

/** 80 % of articles lie in plenty; the rest are few, and some are sold out. */
function stock(random: Random): number {
  if (random.chance(0.8)) return random.int(200, 2_000);
  return random.chance(0.7) ? random.int(1, 5) : 0;
}

/** A name that nobody has yet: drawn anew a few times, then numbered. */
function nameProduct(random: Random, kindOf: string, taken: Set<string>): string {
  const draw = () => `${random.pick(SERIES)} ${kindOf}`;
  let plain = draw();
  for (let attempt = 0; attempt < 10 && taken.has(plain); attempt += 1) plain = draw();
  let name = plain;
  for (let number = 2; taken.has(name); number += 1) name = `${plain} No. ${number}`;
  taken.add(name);
  return name;
}

/** Departments that are of one sort; in the others it is furniture, but for what is named here. */
const SORTS: Readonly<Record<string, ProductSort>> = {
  lighting: 'lighting',
  textiles: 'textiles',
  kitchen: 'kitchen',
  Basket: 'baskets',
  'Storage Box': 'baskets',
};

function makeProduct(random: Random, departmentSlug: string, taken: Set<string>): SeedProduct {
  const kinds = Object.keys(FORMS[departmentSlug] ?? {});
  const kind = random.pick(kinds);
  const [material, materialLine] = random.pick(MATERIALS[kind] ?? MATERIALS[departmentSlug] ?? []);
  const name = nameProduct(random, `${material} ${kind}`, taken);
  const sort = SORTS[kind] ?? SORTS[departmentSlug] ?? 'furniture';
  const [min, max] = PRICES_CENTS[kind] ?? [1_000, 10_000];
  // Cheaper things are more common: the square of an even chance. Prices end in 4 or 9 euros.
  const priceCents = Math.round((min + random.next() ** 2 * (max - min)) / 500) * 500 - 100;
  return {
    slug: slugOf(name),
    name,
    description: `${random.pick(OPENINGS)} ${materialLine} ${random.pick([...CLOSINGS, ...CLOSINGS_OF[sort]])}`,
    priceCents: Math.max(min, priceCents),
    departmentSlug,
    sort,
    imageSeed: random.int(1, 90_000_000) * kinds.length + kinds.indexOf(kind),
    quantity: stock(random),
  };
}

/** Products spread evenly over the departments. Names and slugs are unique. */
export function makeCatalog(random: Random, departments: readonly string[], count: number): SeedProduct[] {
  const taken = new Set<string>();
  return Array.from({ length: count }, (_, index) =>
    makeProduct(random, departments[index % departments.length] ?? '', taken),
  );
}
