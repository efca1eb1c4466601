import { QueryTypes } from 'sequelize';
import type { ShopDatabase } from '../database/open-database.ts';
import { describeAvailability, type Availability } from '../inventory/availability.ts';
import { summarizeRatings, type RatingSummary } from '../reviews/rating-summary.ts';

/** A product as a list shows it. */
export interface ProductCard {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly priceCents: number;
  readonly availability: Availability;
  readonly rating: RatingSummary;
}

/** A product as its own page shows it. */
export interface ProductDetail extends ProductCard {
  readonly description: string;
  readonly category: { readonly slug: string; readonly name: string };
  /** Pieces that can still be sold. */
  readonly available: number;
}

interface CardRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly priceCents: number;
  readonly description: string;
  readonly categorySlug: string;
  readonly categoryName: string;
  readonly available: number;
  readonly ratingSum: number;
  readonly ratingCount: number;
}

/** One statement over four modules: products with category, stock and stars. */
const CARDS = `
  SELECT p.id, p.slug, p.name, p.price_cents AS "priceCents", p.description,
         c.slug AS "categorySlug", c.name AS "categoryName",
         coalesce(i.quantity - i.reserved, 0) AS available,
         coalesce(sum(r.rating), 0)::int AS "ratingSum", count(r.id)::int AS "ratingCount"
    FROM products p
    JOIN categories c ON c.id = p.category_id
    LEFT JOIN inventory i ON i.product_id = p.id
    LEFT JOIN reviews r ON r.product_id = p.id AND r.status = 'published'`;
const GROUPED = 'GROUP BY p.id, c.id, i.product_id';

const toDetail = (row: CardRow): ProductDetail => ({
  id: row.id,
  slug: row.slug,
  name: row.name,
  priceCents: row.priceCents,
  availability: describeAvailability(row.available),
  rating: summarizeRatings(row.ratingSum, row.ratingCount),
  description: row.description,
  category: { slug: row.categorySlug, name: row.categoryName },
  available: row.available,
});

/** The product of that address, or null. */
export async function findProduct({ sequelize }: ShopDatabase, slug: string): Promise<ProductDetail | null> {
  const rows = await sequelize.query<CardRow>(`${CARDS} WHERE p.slug = :slug ${GROUPED}`, {
    replacements: { slug },
    type: QueryTypes.SELECT,
  });
  return rows[0] ? toDetail(rows[0]) : null;
}

export interface ProductListQuery {
  /** Only this category's; default all. */
  readonly categorySlug?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Products in the order in which they came into the shop. */
export async function listProducts(
  { sequelize }: ShopDatabase,
  { categorySlug, limit, offset }: ProductListQuery,
): Promise<readonly ProductDetail[]> {
  const where = categorySlug === undefined ? '' : 'WHERE c.slug = :categorySlug';
  const rows = await sequelize.query<CardRow>(
    `${CARDS} ${where} ${GROUPED} ORDER BY p.id LIMIT :limit OFFSET :offset`,
    { replacements: { categorySlug: categorySlug ?? '', limit, offset }, type: QueryTypes.SELECT },
  );
  return rows.map(toDetail);
}

/** How many products there are, in one category or in all. */
export async function countProducts(database: ShopDatabase, categorySlug?: string): Promise<number> {
  const { Product, Category } = database;
  if (categorySlug === undefined) return Product.count();
  const category = await Category.findOne({ where: { slug: categorySlug } });
  return category ? Product.count({ where: { categoryId: category.id } }) : 0;
}

/** The home page's choice: best stars among those with at least three reviews that can be bought. */
export async function listFavourites(
  { sequelize }: ShopDatabase,
  limit: number,
): Promise<readonly ProductCard[]> {
  const rows = await sequelize.query<CardRow>(
    `${CARDS} WHERE i.quantity > i.reserved ${GROUPED} HAVING count(r.id) >= 3
      ORDER BY avg(r.rating) DESC, count(r.id) DESC, p.id LIMIT :limit`,
    { replacements: { limit }, type: QueryTypes.SELECT },
  );
  return rows.map(toDetail);
}

/** What came in last. */
export async function listNewest(
  { sequelize }: ShopDatabase,
  limit: number,
): Promise<readonly ProductCard[]> {
  const rows = await sequelize.query<CardRow>(
    `${CARDS} ${GROUPED} ORDER BY p.created_at DESC, p.id DESC LIMIT :limit`,
    { replacements: { limit }, type: QueryTypes.SELECT },
  );
  return rows.map(toDetail);
}
