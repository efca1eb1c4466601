import { Router, type Request } from 'express';
import { z } from 'zod';
import type { ShopDatabase } from '../database/open-database.ts';
import { latestReviews } from '../reviews/review-queries.ts';
import { reviewView } from '../reviews/reviews-page.ts';
import { describeRatings } from '../reviews/rating-summary.ts';
import { requireInput } from '../web/input.ts';
import { paginate, paginateClamped, pagingQuery, readPage } from '../web/paging.ts';
import { notFound } from '../web/shop-error.ts';
import {
  countProducts,
  findProduct,
  listFavourites,
  listNewest,
  listProducts,
  type ProductDetail,
} from './catalog-queries.ts';
import { DEPARTMENTS } from './departments.ts';
import { drawProduct } from './product-picture.ts';

const SLUG = /^[a-z0-9-]{1,120}$/;
const PER_PAGE = 24;
const LATEST_REVIEWS = 5;

/** The `slug` of a route, if it can be one. @throws ShopError `not-found` */
export function readSlug(req: Request): string {
  const slug = req.params['slug'];
  if (typeof slug !== 'string' || !SLUG.test(slug)) throw notFound('product');
  return slug;
}

/** The product that a route names. @throws ShopError `not-found` */
export async function requireProduct(database: ShopDatabase, req: Request): Promise<ProductDetail> {
  const product = await findProduct(database, readSlug(req));
  if (!product) throw notFound('product');
  return product;
}

/** Home, categories and product pages. */
export function catalogPages(database: ShopDatabase): Router {
  const router = Router();
  router.get('/', async (_req, res) => {
    const [favourites, newest] = await Promise.all([listFavourites(database, 12), listNewest(database, 4)]);
    res.render('home', {
      title: 'Things for the home, made to last',
      favourites: favourites.slice(0, 8),
      shown: favourites.slice(8),
      newest,
    });
  });
  router.get('/categories/:slug', async (req, res) => {
    const department = DEPARTMENTS.find(({ slug }) => slug === req.params.slug);
    if (!department) throw notFound('category');
    const count = await countProducts(database, department.slug);
    const paging = paginateClamped({ page: readPage(req.query['page']), perPage: PER_PAGE, count });
    const products = await listProducts(database, {
      categorySlug: department.slug,
      limit: paging.perPage,
      offset: paging.offset,
    });
    const path = `/categories/${department.slug}`;
    res.render('category', { title: department.name, department, products, count, paging, path });
  });
  router.get('/products/:slug', async (req, res) => {
    const product = await requireProduct(database, req);
    const reviews = await latestReviews(database, product.id, LATEST_REVIEWS);
    res.render('product', {
      title: product.name,
      department: product.category,
      product,
      ratingText: describeRatings(product.rating),
      reviews: reviews.map((review) => reviewView(review, null)),
    });
  });
  return router;
}

/** Pictures: need no session, and the browser may keep them. */
export function productPictures({ Product, Category }: ShopDatabase): Router {
  const router = Router();
  router.get('/products/:slug/image.svg', async (req, res) => {
    const product = await Product.findOne({
      where: { slug: readSlug(req) },
      include: [{ model: Category, as: 'category' }],
    });
    if (!product?.category) throw notFound('picture');
    res
      .set('Cache-Control', 'public, max-age=86400')
      .type('image/svg+xml')
      .send(drawProduct(product.category.slug, product.imageSeed));
  });
  return router;
}

function productJson(product: ProductDetail) {
  return {
    slug: product.slug,
    name: product.name,
    description: product.description,
    priceCents: product.priceCents,
    category: product.category,
    available: product.available,
    averageRating: product.rating.average,
    reviewCount: product.rating.count,
    imageUrl: `/products/${product.slug}/image.svg`,
  };
}

const listQuery = pagingQuery(PER_PAGE).extend({
  category: z
    .enum(
      DEPARTMENTS.map(({ slug }) => slug),
      'There is no such category.',
    )
    .optional(),
});

/** `/api/products` and `/api/products/:slug`. */
export function catalogApi(database: ShopDatabase): Router {
  const router = Router();
  router.get('/products', async (req, res) => {
    const { category, ...asked } = requireInput(listQuery, req.query);
    const count = await countProducts(database, category);
    const { page, perPage, pages, offset } = paginate({ ...asked, count });
    const products = await listProducts(database, { categorySlug: category, limit: perPage, offset });
    res.json({ count, page, perPage, pages, products: products.map(productJson) });
  });
  router.get('/products/:slug', async (req, res) => {
    res.json({ product: productJson(await requireProduct(database, req)) });
  });
  return router;
}
