import { Sequelize } from 'sequelize';
import { defineCart, defineCartItem } from '../cart/cart.ts';
import { defineCategory } from '../catalog/category.ts';
import { defineProduct } from '../catalog/product.ts';
import { defineCustomer } from '../customers/customer.ts';
import { defineInventoryItem } from '../inventory/inventory-item.ts';
import { defineOrder, defineOrderItem } from '../orders/order.ts';
import { defineReview } from '../reviews/review.ts';

/** Longest time that one statement may take before PostgreSQL ends it. */
export const STATEMENT_TIMEOUT_MS = 10_000;
/** Longest time to wait for a TCP connection to PostgreSQL. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** The shop's one database, with every model on it. The pool connects by itself, also after an outage. */
export type ShopDatabase = ReturnType<typeof openDatabase>;

/** Opens the pool (nothing is sent yet). `close` with `database.sequelize.close()`. */
export function openDatabase(databaseUrl: string) {
  const sequelize = new Sequelize(databaseUrl, {
    dialect: 'postgres',
    logging: false,
    pool: { max: 10, min: 0, idle: 10_000, acquire: CONNECT_TIMEOUT_MS },
    // A request must not begin anew by itself: what it did before the break is unknown.
    retry: { max: 1 },
    dialectOptions: {
      application_name: 'shop',
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS + 2_000,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: 30_000,
      keepAlive: true,
    },
  });
  const models = {
    Category: defineCategory(sequelize),
    Product: defineProduct(sequelize),
    InventoryItem: defineInventoryItem(sequelize),
    Customer: defineCustomer(sequelize),
    Cart: defineCart(sequelize),
    CartItem: defineCartItem(sequelize),
    Order: defineOrder(sequelize),
    OrderItem: defineOrderItem(sequelize),
    Review: defineReview(sequelize),
  };
  const { Category, Product, InventoryItem, Customer, CartItem, Order, OrderItem, Review } = models;
  Product.belongsTo(Category, { as: 'category', foreignKey: 'categoryId' });
  Product.hasOne(InventoryItem, { as: 'inventory', foreignKey: 'productId' });
  Product.hasMany(Review, { as: 'reviews', foreignKey: 'productId' });
  Review.belongsTo(Customer, { as: 'customer', foreignKey: 'customerId' });
  CartItem.belongsTo(Product, { as: 'product', foreignKey: 'productId' });
  Order.hasMany(OrderItem, { as: 'items', foreignKey: 'orderId' });
  OrderItem.belongsTo(Product, { as: 'product', foreignKey: 'productId' });
  return { sequelize, ...models };
}
